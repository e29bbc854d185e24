/** Lists of labels that were uploaded under a name, and their embeddings. Lists are files: they outlive the server. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { abandonable } from '../../abort';
import { type CallOptions, type Interrogator, LabelTable } from '../../index';
import { Refusal } from '../answers/refusal';

/** The reference's term lists, which every CLIP model has. */
export const BUILT_IN = ['artists', 'flavors', 'mediums', 'movements', 'trendings', 'negative'] as const;
type BuiltIn = (typeof BUILT_IN)[number];

export interface StoredTable {
  name: string;
  count: number;
  template?: string;
  /** Of labels and template: embeddings are found by it. */
  digest: string;
}

/** Lists that clients may leave on the server. */
const MOST_TABLES = 1000;
const CLOSING_MS = 30_000;
const SUFFIX = '.table.json';

/** Strings that are joined, or parsed, between turns of others. */
const AT_ONCE = 20_000;

export class TableStore {
  private listed: Promise<Map<string, StoredTable>> | undefined;
  /** Tables that are ready or being made. */
  private readonly made = new WeakMap<Interrogator, Map<string, { digest: string; table: Promise<LabelTable> }>>();

  private readonly maps = new Set<WeakRef<Map<string, { digest: string; table: Promise<LabelTable> }>>>();
  /** One list is written after the other. */
  private writing: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly folder: string,
    /** Where embeddings are kept. */
    private readonly embeddings: string | null,
  ) {}

  async list(): Promise<StoredTable[]> {
    return [...(await this.tables()).values()].sort((a, b) => a.name.localeCompare(b.name, 'en'));
  }

  /** Throws 404. */
  async find(name: string): Promise<StoredTable | BuiltIn> {
    if (isBuiltIn(name)) return name;
    const stored = (await this.tables()).get(name);
    if (stored) return stored;
    const names = [...BUILT_IN, ...(await this.tables()).keys()];
    throw new Refusal(404, 'ERR_TABLE_UNKNOWN', `There is no table ${name}.`, { hint: `There are: ${names.slice(0, 20).join(', ')}.` });
  }

  /** Writes a list, whole or not at all. `isNew` is false where it is there already, the same. */
  put(name: string, labels: readonly string[], template: string | undefined): Promise<{ stored: StoredTable; isNew: boolean }> {
    const written = this.writing.then(() => this.write(name, labels, template));
    this.writing = written.catch(() => {});
    return written;
  }

  private async write(
    name: string,
    labels: readonly string[],
    template: string | undefined,
  ): Promise<{ stored: StoredTable; isNew: boolean }> {
    if (isBuiltIn(name))
      throw new Refusal(409, 'ERR_CONFLICT', `${name} is one of the server's own tables.`, { hint: 'Take another name.' });
    const hash = createHash('sha256').update(template ?? '');
    for (let at = 0; at < labels.length; at += AT_ONCE) {
      hash.update(`\n${labels.slice(at, at + AT_ONCE).join('\n')}`);
      await nextTurn();
    }
    const digest = hash.digest('hex');
    const tables = await this.tables();
    const there = tables.get(name);
    if (there?.digest === digest) return { stored: there, isNew: false };
    if (!there && tables.size >= MOST_TABLES) {
      throw new Refusal(409, 'ERR_CONFLICT', `The server has ${tables.size} tables; it keeps ${MOST_TABLES} at most.`, {
        hint: 'Delete some that are not used any more.',
      });
    }
    const stored: StoredTable = { name, count: labels.length, digest, ...(template !== undefined && { template }) };
    await mkdir(this.folder, { recursive: true });
    await this.writeLabels(this.labelsFile(digest), labels);
    await writeWhole(path.join(this.folder, name + SUFFIX), [JSON.stringify(stored)]);
    tables.set(name, stored);
    if (there) await this.removeLabels(there.digest);
    return { stored, isNew: true };
  }

  /** Throws 404, and 409 for the server's own. */
  async remove(name: string): Promise<void> {
    if (isBuiltIn(name)) throw new Refusal(409, 'ERR_CONFLICT', `${name} is one of the server's own tables.`);
    const { digest } = (await this.find(name)) as StoredTable;
    (await this.tables()).delete(name);
    for (const each of this.maps) {
      const made = each.deref()?.get(name);
      if (made) this.closeLater(made.table);
      each.deref()?.delete(name);
    }
    await rm(path.join(this.folder, name + SUFFIX), { force: true });
    await this.removeLabels(digest);
  }

  async labels(name: string, interrogator: Interrogator | undefined): Promise<readonly string[]> {
    const found = await this.find(name);
    if (typeof found !== 'string') return linesOf(await readFile(this.labelsFile(found.digest), 'utf8'));
    if (!interrogator) throw new Refusal(503, 'ERR_NOT_READY', 'No model is loaded yet.', { retryAfter: 1 });
    return interrogator[found].labels;
  }

  /** The table with its embeddings, which are made where they are not there: begun again, that goes on where it was. */
  async tableFor(name: string, interrogator: Interrogator, { signal, onProgress }: CallOptions): Promise<LabelTable> {
    const found = await this.find(name);
    const call = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
    if (typeof found === 'string') {
      await interrogator[found].prepare(call);
      return interrogator[found];
    }
    const tables = this.made.get(interrogator) ?? new Map<string, { digest: string; table: Promise<LabelTable> }>();
    this.made.set(interrogator, tables);
    const made = tables.get(name);
    if (made?.digest === found.digest) return abandonable(made.table, signal);
    if (made) this.closeLater(made.table);
    const table = this.labels(name, interrogator).then((labels) =>
      // Whoever asked first may leave: others wait for the same, and what is made is kept.
      LabelTable.create(labels, embeddingsName(found.digest), interrogator, {
        ...(onProgress && { onProgress }),
        ...(found.template !== undefined && { template: found.template }),
      }),
    );
    const entry = { digest: found.digest, table };
    tables.set(name, entry);
    table.catch(() => tables.get(name) === entry && tables.delete(name));
    this.maps.add(new WeakRef(tables));
    return abandonable(table, signal);
  }

  /** Those who rank against it now have a moment to end. */
  private closeLater(table: Promise<LabelTable>): void {
    const close = (): void => void table.then((made) => made.close()).catch(() => {});
    setTimeout(close, CLOSING_MS).unref();
  }

  /** Whether a model has the table's embeddings in memory. */
  isReady(name: string, interrogator: Interrogator): boolean {
    return isBuiltIn(name) || (this.made.get(interrogator)?.has(name) ?? false);
  }

  private tables(): Promise<Map<string, StoredTable>> {
    this.listed ??= this.read();
    return this.listed;
  }

  private async read(): Promise<Map<string, StoredTable>> {
    const names = await readdir(this.folder).catch(() => [] as string[]);
    const tables = new Map<string, StoredTable>();
    for (const file of names.filter((each) => each.endsWith(SUFFIX))) {
      const text = await readFile(path.join(this.folder, file), 'utf8').catch(() => '');
      const stored = parsed(text);
      if (stored && file === stored.name + SUFFIX) tables.set(stored.name, stored);
    }
    return tables;
  }

  private async writeLabels(file: string, labels: readonly string[]): Promise<void> {
    const parts: string[] = [];
    for (let at = 0; at < labels.length; at += AT_ONCE) {
      parts.push(
        `${labels
          .slice(at, at + AT_ONCE)
          .map(oneLine)
          .join('\n')}\n`,
      );
      await nextTurn();
    }
    await writeWhole(file, parts);
  }

  private async removeLabels(digest: string): Promise<void> {
    const isUsed = [...(await this.tables()).values()].some((each) => each.digest === digest);
    if (isUsed) return;
    await rm(this.labelsFile(digest), { force: true });
    if (this.embeddings === null) return;
    // Of each model, with what is left of one that was not finished.
    const names = await readdir(this.embeddings).catch(() => [] as string[]);
    const own = names.filter((each) => each.includes(`_${embeddingsName(digest)}.safetensors`));
    await Promise.all(own.map((each) => rm(path.join(this.embeddings as string, each), { recursive: true, force: true })));
  }

  /** A label a line, as JSON. */
  labelsFile(digest: string): string {
    return path.join(this.folder, `${digest}.labels.txt`);
  }
}

/** Under a name of its own first: a server that is killed leaves no half of a file. */
async function writeWhole(file: string, parts: readonly string[]): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  await writeFile(temporary, parts);
  await rename(temporary, file);
}

export function isBuiltIn(name: string): name is BuiltIn {
  return (BUILT_IN as readonly string[]).includes(name);
}

/** What the embeddings of a list are called. */
export function embeddingsName(digest: string): string {
  return `table-${digest.slice(0, 16)}`;
}

/** Labels may have line ends in them. */
function oneLine(label: string): string {
  return JSON.stringify(label);
}

/** The labels of such a file. */
export async function linesOf(text: string): Promise<string[]> {
  const labels: string[] = [];
  for (const line of text.split('\n')) {
    if (line !== '') labels.push(JSON.parse(line) as string);
    if (labels.length % AT_ONCE === 0) await nextTurn();
  }
  return labels;
}

function parsed(text: string): StoredTable | undefined {
  try {
    const { name, count, digest, template } = JSON.parse(text) as StoredTable;
    if (typeof name !== 'string' || typeof digest !== 'string' || !/^[0-9a-f]{64}$/.test(digest)) return undefined;
    return { name, count, digest, ...(template !== undefined && { template }) };
  } catch {
    return undefined;
  }
}
