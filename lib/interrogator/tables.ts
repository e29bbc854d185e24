/** The six term tables of an interrogator. */
import path from 'node:path';
import type { Bundle, ClipManifest } from '../bundles/bundle';
import type { Engine } from '../engine/engine';
import { hasCode, InterrogatorError } from '../errors';
import { TABLE_NAMES, type TableName } from '../labels/label-store';
import { LabelTable } from '../labels/label-table';
import { loadList } from '../labels/vocabulary';
import { artistLabels, trendingLabels } from './prompt';

/** The tables that best and fast mode rank as one, in the reference's order. */
export const MERGED: readonly TableName[] = ['artists', 'flavors', 'mediums', 'movements', 'trendings'];

export class Tables {
  private readonly tables: ReadonlyMap<TableName, LabelTable>;

  private constructor(
    private readonly engine: Engine,
    lists: ReadonlyMap<TableName, readonly string[]>,
  ) {
    this.tables = new Map([...lists].map(([name, labels]) => [name, LabelTable.lazy({ labels, name, isBuiltIn: true }, engine)]));
  }

  /**
   * Reads the term lists that `config.dataPath`, or else the bundle, has. A missing one is an error when it is used. Trendings
   * are the reference's own (clip_interrogator.py names the sites) unless there is a list of them.
   */
  static async load(engine: Engine): Promise<Tables> {
    const { dataPath } = engine.config;
    const lists = new Map<TableName, readonly string[]>();
    for (const name of TABLE_NAMES) {
      const file = dataPath === null ? listInBundle(engine.clipBundle, name) : path.join(dataPath, `${name}.txt`);
      const terms = file && (await loadIfThere(file));
      if (terms) lists.set(name, name === 'artists' ? artistLabels(terms) : terms);
    }
    if (lists.size === 0 && dataPath !== null) throw missing(`There are no term lists in ${path.resolve(dataPath)}`);
    if (!lists.has('trendings')) lists.set('trendings', trendingLabels());
    return new Tables(engine, lists);
  }

  /** Throws ERR_VOCABULARY_NOT_FOUND where there is no such list. */
  get(name: TableName): LabelTable {
    const table = this.tables.get(name);
    if (table) return table;
    const folder = this.engine.config.dataPath ?? this.engine.clipBundle.folder;
    throw missing(`This needs the term list ${name}.txt, which ${path.resolve(folder)} does not have`);
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

async function loadIfThere(file: string): Promise<string[] | undefined> {
  return loadList(file).catch((error) => {
    if (!hasCode(error, 'ERR_VOCABULARY_NOT_FOUND')) throw error;
    return undefined;
  });
}

function missing(message: string): InterrogatorError {
  return new InterrogatorError('ERR_VOCABULARY_NOT_FOUND', `${message}.`, {
    hint: 'Set dataPath to a folder of term lists (artists.txt, flavors.txt, mediums.txt, movements.txt, negative.txt), or export the bundle with a vocabulary.',
  });
}

function listInBundle({ folder, manifest }: Bundle<ClipManifest>, name: TableName): string | undefined {
  const listed = manifest.vocabulary?.find((file) => path.posix.basename(file) === `${name}.txt`);
  return listed && path.join(folder, listed);
}
