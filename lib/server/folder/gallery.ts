/** The pictures of the folder that a server was started with: their captions beside them, and what runs have made of them. */
import { createHash, randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { besidePicture, type KeptPicture, keptPictures, listPictures, type Mode } from '../../index';
import { notFound, Refusal } from '../answers/refusal';

/** What was read is good for so long, and for ten times as long as reading it took: of large folders that is long. */
const FRESH_MS = 5000;
const FRESH_TIMES = 10;
const FILES_AT_ONCE = 32;
/** As runs write them. */
const CAPTION = '.txt';

export interface Entry {
  id: string;
  path: string;
  file: Buffer;
  kept: KeptPicture | undefined;
  /** Pictures of one content have the same. */
  group: number | undefined;
}

export interface Shown extends Entry {
  /** The text beside it; null where there is none. */
  caption: string | null;
}

export class Gallery {
  private entries = new Map<string, Entry>();
  private freshUntil = Number.NEGATIVE_INFINITY;
  /** Counts changes: whoever asks after one must see it. The first is that nothing was read yet. */
  private changes = 1;
  /** The count when the entries began to be read. */
  private seen = 0;
  private reading: Promise<void> | undefined;

  constructor(
    readonly folder: string,
    /** Whose features are wanted. */
    private readonly clipModelName: string,
  ) {}

  get name(): string {
    return path.basename(path.resolve(this.folder));
  }

  /** In natural order, as the folder was some seconds ago; while it is read again, as it was before. */
  async all(): Promise<Entry[]> {
    // Again where something has changed while it was read.
    while (performance.now() > this.freshUntil) {
      this.reading ??= this.read().finally(() => {
        this.reading = undefined;
      });
      if (this.seen === this.changes) {
        this.reading.catch(() => {});
        break;
      }
      await this.reading;
    }
    return [...this.entries.values()];
  }

  /** What it knows may not be so any more. */
  forget(): void {
    this.freshUntil = Number.NEGATIVE_INFINITY;
    this.changes += 1;
  }

  /** Throws 404. Ids are of pictures that were found: no path of a client's is opened. */
  async find(id: string): Promise<Entry> {
    const found = this.entries.get(id) ?? (await this.all().then(() => this.entries.get(id)));
    if (found) return found;
    throw notFound('There is no such picture in the folder.', 'It may have been moved since.');
  }

  async withCaptions(entries: readonly Entry[]): Promise<Shown[]> {
    const shown: Shown[] = [];
    for (let at = 0; at < entries.length; at += FILES_AT_ONCE) {
      const part = entries.slice(at, at + FILES_AT_ONCE);
      const captions = await Promise.all(part.map(({ file }) => readCaption(file)));
      for (const [i, entry] of part.entries()) shown.push({ ...entry, caption: captions[i] as string | null });
    }
    return shown;
  }

  /** Writes the text beside a picture, whole or not at all; null removes it. Throws 409 where it is not `expected` any more. */
  async write(entry: Entry, caption: string | null, expected: string | null | undefined): Promise<Shown> {
    const file = besidePicture(entry.file, CAPTION);
    if (expected !== undefined) {
      const there = await readCaption(entry.file);
      if (there !== expected) {
        throw new Refusal(409, 'ERR_CONFLICT', 'The caption was changed meanwhile.', { hint: 'Look at it again before you save.' });
      }
    }
    if (caption === null) await rm(file, { force: true });
    else {
      const temporary = Buffer.concat([file, Buffer.from(`.${randomBytes(4).toString('hex')}.tmp`)]);
      try {
        await writeFile(temporary, caption === '' || caption.endsWith('\n') ? caption : `${caption}\n`);
        await rename(temporary, file);
      } catch (cause) {
        await rm(temporary, { force: true });
        const { code = '' } = cause as NodeJS.ErrnoException;
        throw new Refusal(507, 'ERR_IO', `The caption could not be written (${code}).`, {
          hint: 'Is the disk full, or the folder read-only?',
        });
      }
    }
    return { ...entry, caption: await readCaption(entry.file) };
  }

  private async read(): Promise<void> {
    const [began, changes] = [performance.now(), this.changes];
    const kept = new Map<string, KeptPicture>();
    const byContent = new Map<string, number>();
    for await (const each of keptPictures(this.folder, { clipModelName: this.clipModelName })) {
      kept.set(each.path, each);
      if (each.sha256 !== null) byContent.set(each.sha256, (byContent.get(each.sha256) ?? 0) + 1);
    }
    const groups = new Map<string, number>();
    const entries = new Map<string, Entry>();
    for await (const { path: shown, file } of listPictures(this.folder)) {
      const known = kept.get(shown);
      const sha256 = known?.sha256 ?? null;
      if (sha256 !== null && (byContent.get(sha256) ?? 0) > 1 && !groups.has(sha256)) groups.set(sha256, groups.size);
      const group = sha256 === null ? undefined : groups.get(sha256);
      const id = createHash('sha256').update(file).digest('hex').slice(0, 24);
      entries.set(id, { id, path: shown, file, kept: known, group });
      if (entries.size % 1000 === 0) await nextTurn();
    }
    this.entries = entries;
    const ended = performance.now();
    this.seen = changes;
    if (changes === this.changes) this.freshUntil = ended + Math.max(FRESH_MS, FRESH_TIMES * (ended - began));
  }
}

export function textsOf({ kept }: Entry): Partial<Record<Mode, string>> {
  return kept?.texts ?? {};
}

async function readCaption(file: Buffer): Promise<string | null> {
  const text = await readFile(besidePicture(file, CAPTION), 'utf8').catch(() => null);
  return text === null ? null : text.replace(/\r?\n$/, '');
}
