/** The doctor of a set: what is twice in it, what does not belong, which captions do not fit, from features that are there already. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { type CallOptions, Config, type ConfigInput, Interrogator } from '../../api';
import { InterrogatorError } from '../../errors';
import { LEDGER_FILE, Ledger } from '../ledger/ledger';
import type { PictureLine } from '../ledger/line';
import { STATE_FOLDER } from '../ledger/state';
import { fitOfCaptions } from './captions';
import type { Inspection } from './inspection';
import { findNeighbours } from './neighbours';
import { TermCounts } from './terms';

export type { CaptionFit, Coverage, Inspection } from './inspection';
export { writeInspection } from './page';

export interface InspectOptions extends CallOptions {
  /** The CLIP model that the features were made with. */
  config?: Config | ConfigInput;
  /** Work with this one, which stays open. */
  interrogator?: Interrogator;
  /** The state folder. Default: `.torch-interrogator` in the folder, or the folder itself where it is one. */
  state?: string;
  /** The suffix of the text files beside the pictures. Default '.txt'. */
  sidecar?: string;
  /**
   * Cosine similarity from which two pictures look the same, 0 … 1. Default 0.96: copies of the sample pair's pictures that were
   * re-encoded, made smaller or cropped by 4 % are above 0.97, other pictures below 0.95 (test/run/inspect).
   */
  duplicateThreshold?: number;
}

const DUPLICATE_THRESHOLD = 0.96;
const UNLIKE = 20;
/** Texts of a picture, the most telling first. */
const TASKS = ['best', 'fast', 'classic', 'caption'];

/**
 * Rejects with ERR_INVALID_ARGUMENT where no run has left image features of this model there, with ERR_IO where they cannot be read, and with
 * AbortError.
 */
export async function inspectFolder(folder: string, options: InspectOptions = {}): Promise<Inspection> {
  const { signal = new AbortController().signal, onProgress } = options;
  const state = options.state ?? (await stateOf(folder));
  const ledger = await Ledger.open(state, { readOnly: true, signal }).catch((cause) => {
    throw nothing(folder, cause);
  });
  const own = options.interrogator ? undefined : await open(options);
  const interrogator = options.interrogator ?? (own as Interrogator);
  try {
    const key = await featureKey(ledger, interrogator, folder);
    const rows = await ledger.allFeatures(key);
    if (!rows) throw nothing(folder, undefined);
    const set = await picturesOf(ledger, key, { base: path.dirname(state), folder: path.resolve(folder) });
    const { distinct } = set;
    const neighbours = await findNeighbours(
      rows,
      distinct.map(({ place }) => place),
      interrogator,
      {
        threshold: options.duplicateThreshold ?? DUPLICATE_THRESHOLD,
        signal,
        ...(onProgress && { onProgress: (done, total) => onProgress({ stage: 'compare', done, total }) }),
      },
    );
    const nameOf = (at: number): string => firstName(distinct[at] as Content);
    const { nearest, similarity, groups, lowest, mean } = neighbours;
    const unlike = [...distinct.keys()]
      .filter((at) => nearest[at] !== -1)
      .sort((a, b) => (similarity[a] as number) - (similarity[b] as number) || a - b)
      .slice(0, UNLIKE)
      .map((at) => ({ name: nameOf(at), nearest: nameOf(nearest[at] as number), similarity: similarity[at] as number }));
    const extension = options.sidecar ?? '.txt';
    const captioned = distinct.flatMap(({ pictures, place }) =>
      pictures.map(({ name, file }) => ({ name, place, sidecar: Buffer.from(file.replace(/\.[^./]*$/, '') + extension) })),
    );
    return {
      pictures: set.pictures,
      gone: set.gone,
      failed: set.failed,
      duplicates: distinct.map(({ pictures }) => pictures.map(({ name }) => name)).filter((names) => names.length > 1),
      nearDuplicates: groups
        .all()
        .map((group) => ({ names: group.map(nameOf), similarity: lowest.get(groups.root(group[0] as number)) ?? 1 })),
      unlike,
      captions: await fitOfCaptions(captioned, rows, interrogator, signal),
      shared: set.terms.shared,
      coverage: { meanSimilarity: mean, ...set.terms.coverage },
    };
  } finally {
    await ledger.close();
    await own?.dispose();
  }
}

/** One content, with all its names. */
interface Content {
  /** In the order of their names. */
  pictures: { name: string; file: string }[];
  place: number;
}

function firstName({ pictures }: Content): string {
  return pictures[0]?.name as string;
}

/** Those below the folder; names are below it, too. */
async function picturesOf(ledger: Ledger, key: string, { base, folder }: { base: string; folder: string }) {
  const contents = new Map<string, Content>();
  const terms = new TermCounts();
  let [pictures, gone, failed] = [0, 0, 0];
  for await (const line of ledger.pictures()) {
    // What has a size and a time of change is a file of its own.
    const file = path.resolve(base, line.image);
    const name = line.stamp === undefined ? line.image : path.relative(folder, file);
    if (name.startsWith('..')) continue;
    if (line.sha256 === null || (!line.features && line.errors)) {
      failed += 1;
      continue;
    }
    // A copy's line may be older than what was found of its content.
    const place = ((await ledger.ofContent(line.sha256)) ?? line).features?.[key];
    if (place === undefined) continue;
    if (line.stamp && !(await stat(file).catch(() => undefined))) {
      gone += 1;
      continue;
    }
    pictures += 1;
    const text = textOf(line, ledger);
    if (text !== undefined) terms.add(text);
    const content = contents.get(line.sha256) ?? { pictures: [], place };
    contents.set(line.sha256, content);
    content.pictures.push({ name, file });
  }
  const distinct = [...contents.values()];
  for (const { pictures: copies } of distinct) copies.sort((a, b) => (a.name < b.name ? -1 : 1));
  distinct.sort((a, b) => (firstName(a) < firstName(b) ? -1 : 1));
  return { distinct, terms, pictures, gone, failed };
}

function textOf({ results = {} }: PictureLine, ledger: Ledger): string | undefined {
  const texts = new Map<string, string>();
  for (const [key, { text }] of Object.entries(results)) {
    const { task } = (ledger.settings.get(key) ?? {}) as { task?: string };
    if (text !== undefined && task !== undefined) texts.set(task, text);
  }
  const task = TASKS.find((each) => texts.has(each));
  return task && texts.get(task);
}

async function stateOf(folder: string): Promise<string> {
  const isState = await stat(path.join(folder, LEDGER_FILE)).catch(() => undefined);
  return path.resolve(isState ? folder : path.join(folder, STATE_FOLDER));
}

function open({ config, signal, onProgress }: InspectOptions): Promise<Interrogator> {
  const clip = new Config({ ...config, captionModelName: null, quiet: true });
  return Interrogator.create(clip, { ...(signal && { signal }), ...(onProgress && { onProgress }) });
}

/** The key of the features that this model made; of several the one with most pictures. */
async function featureKey(ledger: Ledger, interrogator: Interrogator, folder: string): Promise<string> {
  const { clip } = await interrogator.fingerprints();
  const all = [...ledger.settings].filter(([, settings]) => (settings as { task?: string }).task === 'image features');
  if (all.length === 0) throw nothing(folder, undefined);
  const own = all.filter(([, settings]) => (settings as { clip?: string }).clip === clip).map(([key]) => key);
  const counts = await Promise.all(own.map(async (key) => (await ledger.allFeatures(key))?.count ?? 0));
  const most = own[counts.indexOf(Math.max(...counts))];
  if (most !== undefined) return most;
  const models = [...new Set(all.map(([, settings]) => (settings as { clipName?: string }).clipName ?? 'another model'))].join(', ');
  throw new InterrogatorError(
    'ERR_INVALID_ARGUMENT',
    `The features in ${folder} were made with ${models}, not with ${interrogator.clipModelName}.`,
    {
      hint: 'Name that model with clipModelName (--clip), or run features over the folder with this one.',
    },
  );
}

function nothing(folder: string, cause: unknown): InterrogatorError {
  return new InterrogatorError('ERR_INVALID_ARGUMENT', `No run has left image features in ${folder}.`, {
    hint: `Make them first, with the same models: npx torch-interrogator features ${folder} --out features.parquet\nor name the folder of the state (--state DIR).`,
    cause,
  });
}
