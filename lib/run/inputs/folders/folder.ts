/** The pictures in a folder. */
import type { BigIntStats, Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { IMAGE_SUFFIXES, InterrogatorError } from '../../../api';
import type { InputOptions, Picture } from '../../picture';
import { Turns } from '../../turns';
import { failedPicture, filePicture, statOf, systemReason } from '../file-picture';
import { isImageName, shownPath } from '../shown-path';
import type { Filters } from './filters';
import { type Named, naturalKey, sortNatural } from './natural-order';

export interface FolderOptions extends Pick<InputOptions, 'recursive'> {
  readonly filters: Filters;
}

/** What was found in a folder. A link or a file of a kind that the folder does not tell must be looked at. */
interface Entry extends Named {
  readonly kind: 'file' | 'folder' | 'unknown';
}

interface Place {
  readonly folder: Buffer;
  /** The path below the folder argument with a slash at its end, or nothing. */
  readonly below: string;
  readonly entries: readonly Entry[];
  next: number;
}

/**
 * In natural order, subfolders at their names' places. Each folder is entered once, wherever links lead. In memory are the names of the
 * folders that lead to the picture that was given last. What cannot be read is a picture that fails; so is a folder without pictures.
 */
export async function* folderPictures(root: Buffer, options: FolderOptions): AsyncGenerator<Picture> {
  const { recursive = true, filters } = options;
  const entered = new Set<string>();
  const places: Place[] = [];
  let isEmpty = true;

  /** A failure, where there is one. */
  const enter = async (folder: Buffer, below: string, found: BigIntStats | undefined): Promise<Picture | undefined> => {
    if (found) {
      const identity = `${found.dev}:${found.ino}`;
      if (entered.has(identity)) return undefined;
      entered.add(identity);
    }
    try {
      places.push({ folder, below, entries: await readEntries(folder), next: 0 });
      return undefined;
    } catch (cause) {
      const name = shownPath(folder);
      const message = `The folder ${name} cannot be read: ${systemReason(cause)}.`;
      return failedPicture(name, new InterrogatorError('ERR_IO', message, { cause }));
    }
  };

  const unreadable = await enter(root, '', await statOf(root));
  if (unreadable) return yield unreadable;
  for (let place = places.at(-1); place; place = places.at(-1)) {
    const entry = place.entries[place.next++];
    if (!entry) {
      places.pop();
      continue;
    }
    const file = pathIn(place.folder, entry.name);
    const path = place.below + shownPath(Buffer.from(entry.name, 'latin1'));
    const found = entry.kind === 'file' ? undefined : await statOf(file);
    if (entry.kind === 'folder' || found?.isDirectory()) {
      const failure = recursive && filters.entersFolder(path) ? await enter(file, `${path}/`, found) : undefined;
      if (!failure) continue;
      isEmpty = false;
      yield failure;
    } else if (isImageName(entry.name) && filters.takesFile(path)) {
      isEmpty = false;
      yield filePicture(file, { root });
    }
  }
  if (isEmpty) yield emptyFolder(shownPath(root), { recursive, filters });
}

const SLASH = Buffer.from('/');

function pathIn(folder: Buffer, name: string): Buffer {
  const parts = [folder, Buffer.from(name, 'latin1')];
  // The root of all files has its slash already.
  return Buffer.concat(folder.at(-1) === SLASH[0] ? parts : [parts[0] as Buffer, SLASH, parts[1] as Buffer]);
}

/** So many entries are read in one go: without a break, long folders would hold the event loop. */
const ENTRIES = 256;

/** Without what is hidden, and without files that are no pictures. */
async function readEntries(folder: Buffer): Promise<Entry[]> {
  const entries: Entry[] = [];
  const turns = new Turns();
  // As bytes: a name need not be UTF-8. The types know names as text alone.
  const options = { encoding: 'buffer' as BufferEncoding, bufferSize: ENTRIES };
  for await (const entry of (await opendir(folder, options)) as unknown as AsyncIterable<Dirent<Buffer>>) {
    const name = entry.name.toString('latin1');
    const kind = entry.isDirectory() ? 'folder' : entry.isFile() ? 'file' : 'unknown';
    if (!name.startsWith('.') && (kind !== 'file' || isImageName(name))) entries.push({ name, key: naturalKey(name), kind });
    await turns.pass();
  }
  return sortNatural(entries);
}

function emptyFolder(name: string, { recursive, filters }: FolderOptions): Picture {
  const problem = `There are no images in ${name}${filters.areSet ? ' that the globs to include and to exclude let through' : ''}.`;
  const where = recursive ? 'in subfolders too' : 'not in subfolders';
  const hint = `Looked for ${[...IMAGE_SUFFIXES].join(' ')}, ${where}.`;
  return failedPicture(name, new InterrogatorError('ERR_IMAGE_NOT_FOUND', problem, { hint }));
}
