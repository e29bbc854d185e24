/** The six term tables of an interrogator. */
import path from 'node:path';
import type { CallOptions } from '../arguments';
import type { Engine } from '../engine/engine';
import { hasCode, InterrogatorError, throwIfAborted } from '../errors';
import { isOffline } from '../hub';
import { TABLE_NAMES, type TableName } from '../labels/label-store';
import { LabelTable } from '../labels/label-table';
import { referenceVocabulary } from '../labels/reference-vocabulary';
import { loadList } from '../labels/vocabulary';
import { artistLabels, trendingLabels } from './prompt';

/** The tables that best and fast mode rank as one, in the reference's order. */
export const MERGED: readonly TableName[] = ['artists', 'flavors', 'mediums', 'movements', 'trendings'];

export class Tables {
  private readonly tables: ReadonlyMap<TableName, LabelTable>;

  private constructor(
    private readonly engine: Engine,
    lists: ReadonlyMap<TableName, readonly string[]>,
    /** Where they were looked for, and for shared ones that are not there why not. */
    private readonly origin: { folder: string; problem?: Error },
  ) {
    this.tables = new Map([...lists].map(([name, labels]) => [name, LabelTable.lazy({ labels, name, isBuiltIn: true }, engine)]));
  }

  /**
   * Reads the term lists that `config.dataPath`, or else the bundle, has; those of the reference for a bundle that has none. A missing
   * one is an error when it is used. Trendings are the reference's own (clip_interrogator.py names the sites) unless there is a list
   * of them.
   */
  static async load(engine: Engine, call: CallOptions): Promise<Tables> {
    const { dataPath } = engine.config;
    const { listed, ...origin } = await originOf(engine, call);
    const lists = new Map<TableName, readonly string[]>();
    for (const name of TABLE_NAMES) {
      const file = listed ? listed.find((each) => path.posix.basename(each) === `${name}.txt`) : `${name}.txt`;
      const terms = file && (await loadIfThere(path.join(origin.folder, file)));
      if (terms) lists.set(name, name === 'artists' ? artistLabels(terms) : terms);
    }
    if (lists.size === 0 && dataPath !== null) throw missing(`There are no term lists in ${path.resolve(dataPath)}`);
    if (!lists.has('trendings')) lists.set('trendings', trendingLabels());
    return new Tables(engine, lists, origin);
  }

  has(name: TableName): boolean {
    return this.tables.has(name);
  }

  /** Throws ERR_VOCABULARY_NOT_FOUND where there is no such list. */
  get(name: TableName): LabelTable {
    const table = this.tables.get(name);
    if (table) return table;
    const { folder, problem } = this.origin;
    throw problem ?? missing(`This needs the term list ${name}.txt, which ${path.resolve(folder)} does not have`);
  }

  /** artists, flavors, mediums, movements and trendings as one table. */
  get merged(): LabelTable {
    const parts = MERGED.map((name) => this.get(name));
    return LabelTable.mergeFor(parts, this.engine);
  }

  get all(): LabelTable[] {
    return [...this.tables.values()];
  }
}

/** Where the lists are; `listed`: only these, of a bundle that vouches for them. */
interface Origin {
  folder: string;
  listed?: readonly string[];
  problem?: Error;
}

/** For 0.8 MB. Features and captions need none of it, and are not to wait for an index that says nothing. */
const LIMIT_MS = 30_000;
/** An index that was not reached is not waited for again at once, by whichever interrogator. */
const PATIENCE_MS = 60_000;
let unreached: { problem: Error; until: number } | undefined;

/** Who ranks labels of their own does without lists, so that those which cannot be fetched are an error when they are used. */
async function originOf({ clipBundle, config }: Engine, { signal, onProgress }: CallOptions): Promise<Origin> {
  const { folder, graph, manifest } = clipBundle;
  if (config.dataPath !== null) return { folder: config.dataPath };
  if (!graph || manifest.vocabulary) return { folder, listed: manifest.vocabulary ?? [] };
  if (unreached && performance.now() < unreached.until) return { folder, listed: [], problem: unreached.problem };
  try {
    const tell = (_title: string, done: number, total: number): void => onProgress?.({ stage: 'download term lists', done, total });
    const limited = AbortSignal.any([...(signal ? [signal] : []), AbortSignal.timeout(LIMIT_MS)]);
    return { folder: await referenceVocabulary({ download: config.download && !isOffline(), signal: limited, onProgress: tell }) };
  } catch (error) {
    throwIfAborted(signal);
    const problem = hasCode(error, 'ERR_ABORTED')
      ? missing(`The term lists were not fetched within ${LIMIT_MS / 1000} s`)
      : (error as Error);
    if (config.download) unreached = { problem, until: performance.now() + PATIENCE_MS };
    return { folder, listed: [], problem };
  }
}

async function loadIfThere(file: string): Promise<string[] | undefined> {
  return loadList(file).catch((error) => {
    if (!hasCode(error, 'ERR_VOCABULARY_NOT_FOUND')) throw error;
    return undefined;
  });
}

function missing(message: string): InterrogatorError {
  return new InterrogatorError('ERR_VOCABULARY_NOT_FOUND', `${message}.`, {
    hint: 'Set dataPath to a folder of term lists (artists.txt, flavors.txt, mediums.txt, movements.txt, negative.txt), or fetch those of the reference: npx torch-interrogator setup',
  });
}
