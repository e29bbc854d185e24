/** Tables of doors: their labels are fetched once, and embedded once a model. Which list it is, its digest says. */
import { abandonable } from '../../../abort';
import { type CallOptions, type Interrogator, LabelTable, type ProgressListener } from '../../../index';
import { notFound, type Refusal } from '../../answers/refusal';
import { embeddingsName, isBuiltIn, linesOf } from '../../tables/table-store';
import type { TableSource } from '../../work/local/tables';
import type { TableRef } from '../wire';
import type { AtDoor } from './at-door';

/** Tables of a model that are in memory: those that were asked for least lately are closed. */
const MOST_TABLES = 16;
/** Those who rank against one have so long to end. */
const CLOSING_MS = 30_000;

interface Lent {
  stored: NonNullable<TableRef['stored']>;
  /** Where its labels are now: of each request under way that needs them. */
  at: string[];
}

export class SentTables implements TableSource {
  private readonly lent = new Map<string, Lent>();
  private readonly made = new WeakMap<Interrogator, Map<string, Promise<LabelTable>>>();

  constructor(private readonly atDoor: Pick<AtDoor, 'fetch'>) {}

  /** `work` is told the table's name here, which it has as long as it goes on. */
  async with<T>({ name, stored }: TableRef, work: (name: string) => Promise<T>): Promise<T> {
    if (!stored) return work(name);
    const own = `sent ${stored.digest}`;
    const lent = this.lent.get(own) ?? { stored, at: [] };
    this.lent.set(own, lent);
    lent.at.push(stored.labelsAt);
    try {
      return await work(own);
    } finally {
      lent.at.splice(lent.at.indexOf(stored.labelsAt), 1);
      if (lent.at.length === 0) this.lent.delete(own);
    }
  }

  async find(name: string): Promise<void> {
    if (!isBuiltIn(name) && !this.lent.has(name)) throw unknown(name);
  }

  async labels(name: string, interrogator: Interrogator | undefined): Promise<readonly string[]> {
    if (isBuiltIn(name) && interrogator) return interrogator[name].labels;
    throw unknown(name);
  }

  async tableFor(name: string, interrogator: Interrogator, { signal, onProgress }: CallOptions): Promise<LabelTable> {
    if (isBuiltIn(name)) {
      await interrogator[name].prepare({ ...(signal && { signal }), ...(onProgress && { onProgress }) });
      return interrogator[name];
    }
    const tables = this.made.get(interrogator) ?? new Map<string, Promise<LabelTable>>();
    this.made.set(interrogator, tables);
    const others = tables.get(name);
    if (others) {
      // The one that was asked for last is the last to go.
      tables.delete(name);
      tables.set(name, others);
      return abandonable(others, signal);
    }
    // Whoever asked first may leave: others wait for the same.
    const table = this.make(name, interrogator, onProgress);
    tables.set(name, table);
    table.catch(() => tables.get(name) === table && tables.delete(name));
    closeOldest(tables);
    return abandonable(table, signal);
  }

  isReady(name: string, interrogator: Interrogator): boolean {
    return isBuiltIn(name) || (this.made.get(interrogator)?.has(name) ?? false);
  }

  private async make(name: string, interrogator: Interrogator, onProgress: ProgressListener | undefined): Promise<LabelTable> {
    const lent = this.lent.get(name);
    if (!lent) throw unknown(name);
    const { digest, template } = lent.stored;
    return LabelTable.create(await this.fetched(lent), embeddingsName(digest), interrogator, {
      ...(onProgress && { onProgress }),
      ...(template !== undefined && { template }),
    });
  }

  /** Of one request after the other: those that have ended lend nothing any more. */
  private async fetched({ at }: Lent): Promise<string[]> {
    const tried = new Set<string>();
    for (;;) {
      const next = at.find((each) => !tried.has(each)) ?? '';
      tried.add(next);
      try {
        return await linesOf(await this.atDoor.fetch(next, NEVER, (body) => body.text()));
      } catch (error) {
        if (at.every((each) => tried.has(each))) throw error;
      }
    }
  }
}

const NEVER = new AbortController().signal;

function unknown(name: string): Refusal {
  return notFound(`There is no table ${name}.`);
}

function closeOldest(tables: Map<string, Promise<LabelTable>>): void {
  for (const [name, table] of tables) {
    if (tables.size <= MOST_TABLES) return;
    tables.delete(name);
    setTimeout(() => void table.then((each) => each.close()).catch(() => {}), CLOSING_MS).unref();
  }
}
