/** A run that a client submits: what it may name, and what it leaves out. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { cancelRun } from '../../fleet/runs/control';
import { type SubmitOptions, submitRun } from '../../fleet/runs/submit';
import { isObjectStore } from '../../fleet/store';
import type { RunTask, WordRules } from '../../index';
import { badRequest, Refusal } from '../answers/refusal';
import type { RunBody, RunTaskBody } from '../contract/runs';
import { NOWHERE, type RunPlaces } from '../safety/run-places';
import type { FleetLink } from './link';

export interface Submission {
  link: FleetLink;
  places: RunPlaces;
  /** Models of runs that name none. */
  models: { clip(): string; caption(): string | null };
  signal: AbortSignal;
  onSubmitted(pictures: number): void;
}

/**
 * Resolves with the run's id when all of its pictures are listed. Rejects with a Refusal of 403 for places that are not allowed, and as
 * submitRun() does; with 503 where Redis is lost for some seconds on the way, after which the run is cancelled.
 */
export async function submitBody(body: RunBody, { link, places, models, signal, onSubmitted }: Submission): Promise<string> {
  if (places.isEmpty) throw new Refusal(403, 'ERR_FORBIDDEN', 'Clients may not submit runs here.', { hint: NOWHERE });
  const { inputs, task, config = {}, words, out, report, sidecar, state, ...others } = body;
  const given: string[] = [];
  for (const input of inputs) given.push(await places.input(input));
  const clipModelName = config.clipModelName ?? models.clip();
  const captionModelName = config.captionModelName === undefined ? models.caption() : config.captionModelName;
  const place = await stateOf(given, { ...body, ...(state !== undefined && { state: await places.output(state) }) }, places);
  const folder = sidecar?.folder === undefined ? undefined : await places.folder(sidecar.folder);
  const options: SubmitOptions = {
    ...others,
    title: others.title ?? inputs.join(' ').slice(0, 200),
    config: { ...config, clipModelName, captionModelName },
    task: taskOf(task),
    ...(words && { words: rulesOf(words) }),
    ...(out && { out: await Promise.all(out.map((file) => places.output(file))) }),
    ...(report !== undefined && { report: await places.output(report) }),
    ...(sidecar && { sidecar: { ...sidecar, ...(folder !== undefined && { folder }) } }),
    ...(place !== undefined && { state: place }),
    onSubmitted,
  };
  return link.during((fleet, ending) => submitRun(fleet, given, { ...options, signal: ending }), {
    signal,
    undo: (id) => link.use((fleet) => cancelRun(fleet, id)).catch(() => {}),
  });
}

/** The library knows which fields belong to which kind, and says so. */
function taskOf({ kind, ...fields }: RunTaskBody = { kind: 'interrogate' }): RunTask {
  if (kind === 'interrogate') return { kind, modes: ['best'], ...fields } as RunTask;
  if (kind === 'rank') return { kind, labels: [], topCount: 5, scores: 'cosine', ...fields } as RunTask;
  return { kind, ...fields } as RunTask;
}

function rulesOf({ replace, ...words }: NonNullable<RunBody['words']>): WordRules {
  return { ...words, ...(replace && { replace: replace.map(({ term, by }) => [term, by] as const) }) };
}

/**
 * Undefined where it has a place by itself: beside the first output, or in the only folder. Elsewhere it would be in the server's own. What is
 * remembered of texts beside pictures needs a folder of the machines. Rejects with a Refusal of 400 where there is none.
 */
async function stateOf(
  inputs: readonly string[],
  { out = [], report, state, sidecar, embed }: RunBody,
  places: RunPlaces,
): Promise<string | undefined> {
  const isLocal = state !== undefined && !isObjectStore(state);
  if (isLocal || (sidecar === undefined && embed === undefined)) return state;
  const output = out.find((file) => !isObjectStore(file)) ?? report;
  if (output !== undefined && !isObjectStore(output)) return state;
  const [only = ''] = inputs;
  const isFolder = inputs.length === 1 && (await stat(only).catch(() => undefined))?.isDirectory();
  if (isFolder && output === undefined) return state;
  if (state === undefined && places.first !== undefined) return path.join(places.first, '.torch-interrogator');
  throw badRequest('What is remembered of texts beside pictures has no folder here.', 'Name one in state.');
}
