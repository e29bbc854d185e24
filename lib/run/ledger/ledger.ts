/**
 * What a run knows: one file that only grows, a line for each picture that came to a result or an error, and beside it the image features.
 * Every line is written as soon as it is there, so that what ends the process loses only what was under way; what was torn is noticed.
 */
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { throwIfAborted } from '../../errors';
import { stateFault } from '../disk-fault';
import { FeatureFile, writeAll } from './feature-file';
import { isPicture, type LedgerLine, openLine, type PictureLine, sealLine } from './line';
import { linesOf, readLine, wholeLength } from './line-file';
import { digestOf, Offsets } from './offsets';

const { version } = require('../../../package.json') as { version: string };

export const LEDGER_FILE = 'ledger.jsonl';
/** A power cut loses no more than what was found in the last second. */
const SYNC_MS = 1000;

/** A line to write, and the image features that belong to it, by their keys. */
export interface Entry {
  line: Omit<PictureLine, 'features'>;
  features?: Readonly<Record<string, Float32Array>>;
  /** Rows of features that the content has already: those of another content that was made of the same pixels. */
  places?: Readonly<Record<string, number>>;
}

interface Waiting extends Entry {
  resolve(line: PictureLine): void;
  reject(error: unknown): void;
}

export class Ledger {
  private readonly images = new Offsets();
  private readonly contents = new Offsets();
  private readonly featureRows = new Map<string, number>();
  private readonly featureFiles = new Map<string, Promise<FeatureFile>>();
  /** What keys mean. */
  readonly settings = new Map<string, unknown>();
  private readonly waiting: Waiting[] = [];
  private writing: Promise<void> | undefined;
  private synced = performance.now();
  private failure: unknown;

  private constructor(
    /** The state folder. */
    readonly folder: string,
    private readonly handle: FileHandle,
    private readonly readOnly: boolean,
    /** Bytes of whole lines. */
    private end: number,
  ) {}

  /**
   * Reads the ledger of a state folder, which must be there; a new one begins empty. A last line that was torn is cut off; damaged lines are
   * passed over. Rejects with ERR_IO.
   */
  static async open(folder: string, { readOnly = false, signal }: { readOnly?: boolean; signal?: AbortSignal } = {}): Promise<Ledger> {
    const file = path.join(folder, LEDGER_FILE);
    let handle: FileHandle | undefined;
    try {
      handle = await open(file, readOnly ? 'r' : 'a+');
      const end = await wholeLength(handle);
      if (!readOnly) await handle.truncate(end);
      const ledger = new Ledger(folder, handle, readOnly, end);
      await ledger.scan(signal);
      if (end === 0 && !readOnly) await ledger.writeLine({ ledger: 1, package: version });
      return ledger;
    } catch (error) {
      await handle?.close();
      throwIfAborted(signal);
      throw stateFault(folder, error);
    }
  }

  /** Nothing can be written any more. */
  get hasFailed(): boolean {
    return this.failure !== undefined;
  }

  /** Pictures by name, and by content. */
  get size(): { images: number; contents: number } {
    return { images: this.images.size, contents: this.contents.size };
  }

  /** The last line of the picture that is there. */
  async ofImage(image: string): Promise<PictureLine | undefined> {
    return this.lineAt(this.images.get(digestOf(image)));
  }

  /** The last line of this content, under whatever name. */
  async ofContent(sha256: string): Promise<PictureLine | undefined> {
    return this.lineAt(this.contents.get(sha256));
  }

  /** The last line of each picture, in the order of the file. */
  async *pictures(): AsyncGenerator<PictureLine> {
    for await (const { line, offset } of linesOf(this.handle, this.end)) {
      const opened = openLine(line);
      if (opened && isPicture(opened) && this.images.get(digestOf(opened.image)) === offset) yield opened;
    }
  }

  /** Says what a key means, once. */
  async describe(key: string, settings: unknown): Promise<void> {
    if (this.settings.has(key)) return;
    this.settings.set(key, settings);
    await this.settled();
    await this.guard(() => this.writeLine({ key, settings }));
  }

  /**
   * Writes a picture's line, joined with what is known of its content. Resolves with the whole line when it is in the file: from then on
   * the end of the process does not lose it. Rejects with ERR_IO, from then on always: what cannot be kept is not to be computed.
   */
  add(entry: Entry): Promise<PictureLine> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ ...entry, resolve, reject });
      this.writing ??= this.drain();
    });
  }

  /** The features of a content, as its line names them. Undefined where there are none. */
  async features(line: PictureLine, key: string): Promise<Float32Array | undefined> {
    const place = line.features?.[key];
    const dim = this.dimOf(key);
    if (place === undefined || dim === undefined) return undefined;
    const file = await this.featureFile(key, dim).catch(() => undefined);
    return file?.row(place);
  }

  /** All features of a key. Undefined where there are none. */
  async allFeatures(key: string): Promise<FeatureFile | undefined> {
    const dim = this.dimOf(key);
    return dim === undefined ? undefined : await this.featureFile(key, dim).catch(() => undefined);
  }

  /** Everything is on the disk when this resolves. */
  async close(): Promise<void> {
    await this.settled();
    try {
      if (!this.readOnly && this.failure === undefined) await this.guard(() => this.sync());
    } finally {
      for (const file of this.featureFiles.values()) await file.then((opened) => opened.close()).catch(() => {});
      await this.handle.close();
    }
  }

  private async scan(signal: AbortSignal | undefined): Promise<void> {
    for await (const { line, offset } of linesOf(this.handle, this.end, signal)) {
      const opened = openLine(line);
      if (!opened) continue;
      if (isPicture(opened)) this.index(opened, offset);
      else if ('key' in opened) this.settings.set(opened.key, opened.settings);
    }
  }

  private index(line: PictureLine, offset: number): void {
    this.images.set(digestOf(line.image), offset);
    if (line.sha256) this.contents.set(line.sha256, offset);
    for (const [key, place] of Object.entries(line.features ?? {})) {
      this.featureRows.set(key, Math.max(this.featureRows.get(key) ?? 0, place + 1));
    }
  }

  private async lineAt(offset: number | undefined): Promise<PictureLine | undefined> {
    if (offset === undefined) return undefined;
    const line = openLine(await readLine(this.handle, offset));
    return line && isPicture(line) ? line : undefined;
  }

  /** One entry after the other: each is joined with what the one before it may have found of the same content. */
  private async drain(): Promise<void> {
    for (let entry = this.waiting.shift(); entry; entry = this.waiting.shift()) {
      try {
        entry.resolve(await this.guard(() => this.write(entry as Waiting)));
      } catch (error) {
        entry.reject(error);
      }
    }
    this.writing = undefined;
  }

  private async write({ line, features = {}, places: given = {} }: Entry): Promise<PictureLine> {
    const known = line.sha256 ? await this.ofContent(line.sha256) : undefined;
    const places: Record<string, number> = { ...known?.features, ...given };
    for (const [key, row] of Object.entries(features)) {
      const file = await this.featureFile(key, row.length);
      places[key] = await file.append([row]);
    }
    const whole = joined(known, line, places);
    const offset = this.end;
    await this.writeLine(whole);
    this.index(whole, offset);
    if (performance.now() - this.synced > SYNC_MS) await this.sync();
    return whole;
  }

  private async writeLine(line: LedgerLine): Promise<void> {
    const bytes = sealLine(line);
    await writeAll(this.handle, bytes, this.end);
    this.end += bytes.length;
  }

  /** The features first: a line must not name a row that is not there. */
  private async sync(): Promise<void> {
    this.synced = performance.now();
    for (const file of this.featureFiles.values()) await (await file).sync();
    await this.handle.datasync();
  }

  private async settled(): Promise<void> {
    while (this.writing) await this.writing;
  }

  private async guard<T>(work: () => Promise<T>): Promise<T> {
    if (this.failure !== undefined) throw this.failure;
    try {
      return await work();
    } catch (error) {
      this.failure = stateFault(this.folder, error);
      throw this.failure;
    }
  }

  private dimOf(key: string): number | undefined {
    return (this.settings.get(key) as { embedDim?: number } | undefined)?.embedDim;
  }

  private featureFile(key: string, dim: number): Promise<FeatureFile> {
    let file = this.featureFiles.get(key);
    if (!file) {
      const name = path.join(this.folder, `features-${key}.f16`);
      file = FeatureFile.open(name, dim, { known: this.featureRows.get(key) ?? 0, readOnly: this.readOnly });
      file.catch(() => this.featureFiles.delete(key));
      this.featureFiles.set(key, file);
    }
    return file;
  }
}

/** What was found replaces what was known of the same task: a result an error, an error a result. */
function joined(known: PictureLine | undefined, line: Entry['line'], features: Readonly<Record<string, number>>): PictureLine {
  const results = { ...without(known?.results, line.errors), ...line.results };
  const errors = { ...without(known?.errors, line.results), ...line.errors };
  const sidecars = line.sidecars ?? (known?.image === line.image ? known.sidecars : undefined);
  return {
    sha256: line.sha256,
    image: line.image,
    ...defined({ original: known?.original, ...defined(line) }),
    ...(Object.keys(features).length > 0 && { features }),
    ...(Object.keys(results).length > 0 && { results }),
    ...(Object.keys(errors).length > 0 && { errors }),
    ...(sidecars && { sidecars }),
  };
}

function without<T>(all: Readonly<Record<string, T>> = {}, gone: Readonly<Record<string, unknown>> = {}): Record<string, T> {
  return Object.fromEntries(Object.entries(all).filter(([key]) => !Object.hasOwn(gone, key)));
}

function defined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
