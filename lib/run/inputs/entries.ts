/** The pictures of a run as they are told to another process, which may have another working directory. */
import { isUtf8 } from 'node:buffer';
import path from 'node:path';
import { InterrogatorError } from '../../errors';
import type { Picture } from '../picture';
import { type RowError, rowError } from '../row';
import type { RunInput } from './argument';
import { failedPicture, filePicture, urlPicture } from './file-picture';
import { shownPath } from './shown-path';
import { abortable, allSources, type PictureOptions } from './sources';
import { tableAt } from './tables/list';
import type { Table } from './tables/table';

/** A picture, or a file of many. Paths are absolute. */
export type PictureEntry =
  | { kind: 'file'; name: string; file: Buffer; root?: Buffer }
  | { kind: 'url'; name: string; url: string }
  /** `name`: how its pictures' names begin. */
  | { kind: 'table'; name: string; address: Buffer }
  /** What could not be found or read where the inputs were looked at. */
  | { kind: 'failure'; name: string; error: RowError };

/**
 * What `picturesOf` goes through, in its order, with files of many pictures as a whole. Rejects as it does, and with ERR_INVALID_ARGUMENT
 * for what can be read in this process alone: standard input, pipes, addresses that hold the picture themselves.
 */
export async function* entriesOf(inputs: readonly RunInput[], options: PictureOptions = {}): AsyncGenerator<PictureEntry> {
  const { signal } = options;
  for await (const source of abortable(allSources(inputs, options), signal)) {
    if (!('pictures' in source)) yield entryOf(source);
    else if (source.sources) for await (const each of abortable(source.sources(signal), signal)) yield entryAt(each);
    else yield entryAt(source);
  }
}

function entryAt(source: Picture | Table): PictureEntry {
  if (!('pictures' in source)) return entryOf(source);
  const address = source.address as Buffer;
  if (/^https?:/i.test(address.toString('latin1', 0, 6))) return { kind: 'table', name: address.toString(), address };
  return { kind: 'table', name: shownPath(address), address: absolute(address) };
}

function entryOf({ name, file, root, origin }: Picture): PictureEntry {
  if (file) return { kind: 'file', name, file: absolute(file), ...(root && { root: absolute(root) }) };
  if (origin && 'failure' in origin) return { kind: 'failure', name, error: rowError(origin.failure) };
  if (origin && !/^data:/i.test(origin.url)) return { kind: 'url', name, url: origin.url };
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${name} can be read by this process alone.`, {
    hint: 'Give files, folders, URLs and lists of them, which other machines can read.',
  });
}

const SLASH = Buffer.from('/');

function absolute(file: Buffer): Buffer {
  if (file[0] === SLASH[0]) return file;
  if (isUtf8(file)) return Buffer.from(path.resolve(file.toString()));
  return Buffer.concat([Buffer.from(process.cwd()), SLASH, file]);
}

/** The pictures of entries, under the names that they have where they come from. Ends when the signal fires. */
export async function* picturesAt(entries: Iterable<PictureEntry>, signal: AbortSignal): AsyncGenerator<Picture> {
  for (const entry of entries) {
    if (signal.aborted) return;
    if (entry.kind === 'table') yield* membersOf(entry, signal);
    else yield pictureAt(entry);
  }
}

/** The picture of an entry that is one. */
export function pictureAt(entry: Exclude<PictureEntry, { kind: 'table' }>): Picture {
  const { name } = entry;
  switch (entry.kind) {
    case 'file':
      return filePicture(entry.file, { name, ...(entry.root && { root: entry.root }) });
    case 'url':
      return { ...urlPicture(entry.url), name };
    case 'failure': {
      const { code, message, hint } = entry.error;
      return failedPicture(name, new InterrogatorError(code as InterrogatorError['code'], message, hint === undefined ? {} : { hint }));
    }
  }
}

async function* membersOf({ name, address }: Extract<PictureEntry, { kind: 'table' }>, signal: AbortSignal): AsyncGenerator<Picture> {
  const table = tableAt(address) as Table;
  const shown = shownPath(address);
  for await (const picture of table.pictures(signal)) yield shown === name ? picture : renamed(picture, shown, name);
}

/** With the table's own name in the place of its absolute path, in errors too. */
function renamed(picture: Picture, from: string, to: string): Picture {
  const rename = (text: string): string => text.replaceAll(from, () => to);
  const { origin } = picture;
  if (!origin || !('failure' in origin)) return { ...picture, name: rename(picture.name) };
  const { code, problem, hint, cause } = origin.failure;
  return failedPicture(rename(picture.name), new InterrogatorError(code, rename(problem), { cause, ...(hint && { hint }) }));
}
