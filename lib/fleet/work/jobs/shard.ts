/** One shard on one device: its pictures through a run of their own, its results into one file. */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { finished } from 'node:stream/promises';
import { pause } from '../../../abort';
import { hasCode } from '../../../errors';
import { type Interrogator, InterrogatorError, type RunOptions } from '../../../index';
import { type PictureEntry, picturesAt } from '../../../run/inputs';
import { failedPicture } from '../../../run/inputs/file-picture';
import type { Picture } from '../../../run/picture';
import type { RunProgress } from '../../../run/progress';
import type { Row } from '../../../run/row';
import { Run } from '../../../run/run';
import { keysOf, type Plan } from '../../../run/work/keys';
import { rowLine, type ShardSummary, summaryLine } from '../../runs/row-lines';
import { type RunSpec, readRules } from '../../runs/spec';
import { type Dependence, dependsOn } from './dependence';
import type { Suspects } from './suspects';

/** A picture of a run waits at most so long for single requests. */
const MOST_YIELD_MS = 2000;
const YIELD_STEP_MS = 5;
const PROGRESS_MS = 1000;

export interface ShardOptions {
  spec: RunSpec;
  entries: readonly PictureEntry[];
  interrogator: Interrogator;
  /** What is kept of a shard while it is worked on; another attempt on this machine goes on with it. */
  folder: string;
  /** The results. */
  file: string;
  /** What came of other pictures of it before, for a further round: in the entries' order, undefined where a picture is to be tried again. */
  earlier?: readonly (Row | undefined)[];
  suspects: Suspects;
  /** Single requests are under way, which go first. */
  isBusy(): boolean;
  signal: AbortSignal;
  /** Told about once a second. */
  onProgress(progress: RunProgress): void;
}

/** Rejects where the shard could not be worked on; pictures that fail are rows. What depends on the models is told to `agree`. */
export async function runShard(options: ShardOptions, agree: (depends: Dependence) => Promise<void>): Promise<ShardSummary> {
  const { entries, earlier, file } = options;
  const wanted = earlier ? entries.filter((_, place) => earlier[place] === undefined) : entries;
  await mkdir(path.dirname(file), { recursive: true });
  const output = createWriteStream(file);
  const ended = finished(output);
  ended.catch(() => {});
  const write = async (line: string): Promise<void> => {
    if (!output.write(line)) await Promise.race([new Promise<void>((resolve) => output.once('drain', () => resolve())), ended]);
  };
  const rows = earlier?.values();
  const writeEarlier = async (): Promise<void> => {
    for (let next = rows?.next(); next && !next.done && next.value !== undefined; next = rows?.next()) await write(rowLine(next.value));
  };
  try {
    const began = performance.now();
    const summary = await withState(options.folder, async (state) => {
      const run = newRun(options, wanted, state);
      let told = 0;
      let hasAgreed = false;
      await writeEarlier();
      for await (const row of run) {
        if (!hasAgreed) await agree(dependsOn(run.plan as Plan));
        hasAgreed = true;
        await options.suspects.ended(row.name);
        await write(rowLine(row));
        await writeEarlier();
        if (performance.now() - told < PROGRESS_MS) continue;
        told = performance.now();
        options.onProgress(run.progress);
      }
      const { result } = run;
      if (!result) throw new InterrogatorError('ERR_RUNTIME', 'The shard came to no end.');
      return { ...result, keys: run.plan ? keysOf(run.plan).map(({ key }) => key) : [], embedDim: run.embedDim };
    });
    const { done, kept, failed, skipped, encoded, failures, keys, embedDim } = summary;
    const seconds = (performance.now() - began) / 1000;
    const shown: ShardSummary = { done, kept, failed, skipped, encoded, seconds, failures, keys, embedDim };
    await write(summaryLine(shown));
    output.end();
    await ended;
    return shown;
  } catch (error) {
    output.destroy();
    await rm(file, { force: true });
    throw error;
  }
}

function newRun({ spec, interrogator, suspects, isBusy, signal }: ShardOptions, entries: readonly PictureEntry[], state: string): Run {
  const { task, words } = spec;
  const run: RunOptions = {
    interrogators: [interrogator],
    task,
    state,
    signal,
    ...(words && { words: readRules(words) }),
    ...(suspects.isCareful && { concurrency: 1 }),
  };
  return new Run([], run, async function* listed(ending) {
    for await (const picture of picturesAt(entries, ending)) {
      await waitForRequests(isBusy, ending);
      yield await suspects.begin(picture, failedAs);
    }
  });
}

function failedAs({ name }: Picture, times: number): Picture {
  const message = `${name} was being worked on each of the ${times} times that its worker's process ended without a word.`;
  return failedPicture(
    name,
    new InterrogatorError('ERR_RUNTIME', message, { hint: 'Look at the picture, and at the memory of the workers.' }),
  );
}

async function waitForRequests(isBusy: () => boolean, signal: AbortSignal): Promise<void> {
  const end = performance.now() + MOST_YIELD_MS;
  while (isBusy() && performance.now() < end) await pause(YIELD_STEP_MS, signal);
}

/** With the state, which stays, that an earlier attempt has left here; with a new one where another process of this machine is still at it. */
async function withState<T>(folder: string, work: (folder: string) => Promise<T>): Promise<T> {
  try {
    return await work(folder);
  } catch (error) {
    if (!hasCode(error, 'ERR_BUSY')) throw error;
  }
  const own = `${folder}-${randomBytes(4).toString('hex')}`;
  try {
    return await work(own);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}
