/** What IMAGE|FOLDER|URL… on a command line stands for. */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { InterrogatorError } from '../errors';
import { fetchImage } from '../net/fetch-image';

const PICTURE = /\.(jpe?g|jfif|png|webp|gif|bmp|dib|tiff?)$/i;

/** One image to work on, or the reason why this argument gives none. */
export interface CommandInput {
  /** As the user knows it: a path or a URL. */
  name: string;
  open(signal: AbortSignal): Promise<string | Uint8Array>;
}

function isUrl(argument: string): boolean {
  return /^https?:\/\//i.test(argument);
}

/** The failure of a command whose arguments gave no image at all. */
export function noImages(args: readonly string[]): InterrogatorError {
  return new InterrogatorError('ERR_IMAGE_NOT_FOUND', `There are no images in ${args.join(', ')}.`, {
    hint: 'Looked for JPEG, PNG, WebP, GIF, BMP and TIFF files by their names, in subfolders too.',
  });
}

/** Expands folders (with their subfolders, in name order) into the images in them. */
export async function* expandInputs(args: readonly string[]): AsyncGenerator<CommandInput> {
  for (const argument of args) {
    if (isUrl(argument)) {
      yield { name: argument, open: (signal) => fetchImage(argument, { signal }) };
    } else if (await isFolder(argument)) {
      yield* imagesIn(argument);
    } else {
      yield { name: argument, open: async () => argument };
    }
  }
}

export async function isFolder(argument: string): Promise<boolean> {
  try {
    return (await stat(argument)).isDirectory();
  } catch {
    // A missing file is the decoder's to report, with the same code as anywhere else.
    return false;
  }
}

async function* imagesIn(folder: string): AsyncGenerator<CommandInput> {
  let entries: Dirent[];
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    const { message } = cause as Error;
    const failure = new InterrogatorError('ERR_IO', `The folder ${folder} cannot be read: ${message}.`, { cause });
    yield { name: folder, open: () => Promise.reject(failure) };
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      yield* imagesIn(full);
    } else if (PICTURE.test(entry.name)) {
      yield { name: full, open: async () => full };
    }
  }
}
