/** The six term tables of an interrogator. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Bundle, ClipManifest } from '../bundles/bundle';
import type { Engine } from '../engine/engine';
import { InterrogatorError } from '../errors';
import { LabelTable } from '../labels/label-table';
import { loadList } from '../labels/vocabulary';
import { artistLabels, trendingLabels } from './prompt';

export const TABLE_NAMES = ['artists', 'flavors', 'mediums', 'movements', 'trendings', 'negative'] as const;
export type TableName = (typeof TABLE_NAMES)[number];

/** The tables that best and fast mode rank as one, in the reference's order. */
const MERGED: readonly TableName[] = ['artists', 'flavors', 'mediums', 'movements', 'trendings'];

export class Tables {
  private readonly tables: ReadonlyMap<TableName, LabelTable>;
  private mergedTable: LabelTable | undefined;

  private constructor(
    private readonly engine: Engine,
    lists: ReadonlyMap<TableName, readonly string[]>,
  ) {
    this.tables = new Map([...lists].map(([name, labels]) => [name, LabelTable.lazy(labels, name, engine)]));
  }

  /**
   * Reads the term lists of `config.dataPath`, all of which must be there, or those that the bundle has. Trendings are the
   * reference's own (clip_interrogator.py names the sites) unless there is a list of them.
   */
  static async load(engine: Engine): Promise<Tables> {
    const lists = new Map<TableName, readonly string[]>([['trendings', trendingLabels()]]);
    for (const name of TABLE_NAMES) {
      const file = listFile(engine.config.dataPath, engine.clipBundle, name);
      if (file === undefined || (name === 'trendings' && engine.config.dataPath !== null && !existsSync(file))) continue;
      const terms = await loadList(file);
      lists.set(name, name === 'artists' ? artistLabels(terms) : terms);
    }
    return new Tables(engine, lists);
  }

  /** Throws ERR_VOCABULARY_NOT_FOUND where the bundle has no such list. */
  get(name: TableName): LabelTable {
    const table = this.tables.get(name);
    if (table) return table;
    throw new InterrogatorError('ERR_VOCABULARY_NOT_FOUND', `The bundle ${this.engine.clipBundle.folder} has no ${name}.txt.`, {
      hint: 'Set dataPath to a folder of term lists, or export the bundle with a vocabulary.',
    });
  }

  /** artists, flavors, mediums, movements and trendings as one table. */
  get merged(): LabelTable {
    this.mergedTable ??= LabelTable.mergeFor(
      MERGED.map((name) => this.get(name)),
      this.engine,
    );
    return this.mergedTable;
  }

  get all(): LabelTable[] {
    return [...this.tables.values()];
  }
}

function listFile(dataPath: string | null, { folder, manifest }: Bundle<ClipManifest>, name: TableName): string | undefined {
  if (dataPath !== null) return path.join(dataPath, `${name}.txt`);
  const listed = manifest.vocabulary?.find((file) => path.posix.basename(file) === `${name}.txt`);
  return listed && path.join(folder, ...listed.split('/'));
}
