/** Tables of doors: their labels are fetched once, and embedded once a model. Which list it is, its digest says. */
import { abandonable } from '../../../abort';
import { type CallOptions, type Interrogator, LabelTable } from '../../../index';
import { notFound } from '../../answers/refusal';
import { embeddingsName, isBuiltIn, linesOf } from '../../tables/table-store';
import type { TableSource } from '../../work/local/tables';
import type { TableRef } from '../wire';
import type { AtDoor } from './at-door';

/** Tables of a model that are in memory: those that were asked for least lately are closed. */
const MOST_TABLES = 16;
/** Those who rank against one have so long to end. */
const CLOSING_MS = 30_000;

export class SentTables implements TableSource {
  /** How to get what was asked for lately, by the name that it has here. */
  private readonly refs = new Map<string, TableRef>();
  private readonly made = new WeakMap<Interrogator, Map<string, Promise<LabelTable>>>();

  constructor(private readonly atDoor: AtDoor) {}

  /** The name of a door's table here. */
  take(ref: TableRef): string {
    const name = ref.stored ? `sent ${ref.stored.digest}` : ref.name;
    this.refs.delete(name);
    this.refs.set(name, ref);
    for (const oldest of this.refs.keys()) if (this.refs.size > 10 * MOST_TABLES) this.refs.delete(oldest);
    return name;
  }

  async find(name: string): Promise<TableRef> {
    const ref = this.refs.get(name);
    if (ref && (ref.stored || isBuiltIn(name))) return ref;
    throw notFound(`There is no table ${name}.`);
  }

  async labels(name: string, interrogator: Interrogator | undefined): Promise<readonly string[]> {
    if (isBuiltIn(name) && interrogator) return interrogator[name].labels;
    throw notFound(`There is no table ${name}.`);
  }

  async tableFor(name: string, interrogator: Interrogator, { signal, onProgress }: CallOptions): Promise<LabelTable> {
    const call = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
    if (isBuiltIn(name)) {
      await interrogator[name].prepare(call);
      return interrogator[name];
    }
    const { stored } = await this.find(name);
    const { digest, labelsAt, template } = stored as NonNullable<TableRef['stored']>;
    const tables = this.made.get(interrogator) ?? new Map<string, Promise<LabelTable>>();
    this.made.set(interrogator, tables);
    const there = tables.get(name);
    if (there) {
      tables.delete(name);
      tables.set(name, there);
      return abandonable(there, signal);
    }
    // Whoever asked first may leave once the labels are here: others wait for the same.
    const table = this.fetched(labelsAt, signal).then((labels) =>
      LabelTable.create(labels, embeddingsName(digest), interrogator, {
        ...(onProgress && { onProgress }),
        ...(template !== undefined && { template }),
      }),
    );
    tables.set(name, table);
    table.catch(() => tables.get(name) === table && tables.delete(name));
    for (const [oldest, old] of tables) {
      if (tables.size <= MOST_TABLES) break;
      tables.delete(oldest);
      setTimeout(() => void old.then((each) => each.close()).catch(() => {}), CLOSING_MS).unref();
    }
    return abandonable(table, signal);
  }

  isReady(name: string, interrogator: Interrogator): boolean {
    return isBuiltIn(name) || (this.made.get(interrogator)?.has(name) ?? false);
  }

  private async fetched(at: string, signal: AbortSignal = new AbortController().signal): Promise<string[]> {
    return linesOf(await this.atDoor.fetch(at, signal, (body) => body.text()));
  }
}
