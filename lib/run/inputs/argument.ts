/** What an argument stands for: pictures, and tables of pictures. */
import { isUtf8 } from 'node:buffer';
import { types } from 'node:util';
import { InterrogatorError } from '../../api';
import { read, show } from '../../arguments';
import type { Picture } from '../picture';
import { addressPicture, fileUrlPath, isUrl } from './address';
import { failedPicture, filePicture, openPipe, statOf, streamPicture } from './file-picture';
import { expandBraces, expandGlob, isGlob } from './folders/expand';
import { type FolderOptions, folderPictures } from './folders/folder';
import { shownPath } from './shown-path';
import { isTableName, tableOf } from './tables/by-name';
import type { Table } from './tables/table';
import { urlSources } from './url-sources';

/**
 * A path, a URL (`http:`, `https:`, `file:`, `data:`), or `-` for one picture on standard input. A path as bytes stands for itself: it
 * need not be UTF-8, and is never a URL.
 */
export type RunInput = string | URL | { readonly path: Buffer };

/** Of a folder its pictures, of a file of many pictures that file. */
export async function* sourcesOf(input: RunInput, options: FolderOptions): AsyncGenerator<Picture | Table> {
  if (input === '-') return yield streamPicture('-', () => process.stdin as AsyncIterable<Uint8Array>);
  const text = typeof input === 'string' ? input : (input as Partial<URL> | undefined)?.href;
  if (text === undefined || !isUrl(text)) return yield* sourcesAt(pathOf(input), options);
  if (/^file:/i.test(text)) return yield* fileUrlSources(text, options);
  yield* urlSources(text);
}

/** Throws ERR_INVALID_ARGUMENT for what stands for nothing. */
export function checkInputs(inputs: readonly unknown[]): void {
  const wrong = inputs.findIndex((input) => !isInput(input));
  if (wrong >= 0) throw noInput(`inputs.${wrong}: got ${show(inputs[wrong])}, expected a path or a URL.`);
}

/** The path that an input stands for on this machine. Undefined for standard input and for other URLs. */
export function localPath(input: RunInput): Buffer | undefined {
  if (input === '-') return undefined;
  const text = typeof input === 'string' ? input : (input as Partial<URL>).href;
  if (text === undefined || !isUrl(text)) return pathOf(input);
  try {
    return /^file:/i.test(text) ? fileUrlPath(text) : undefined;
  } catch {
    return undefined;
  }
}

function isInput(input: unknown): boolean {
  if (typeof input === 'string') return input !== '';
  return read('inputs', 'ERR_INVALID_ARGUMENT', () => {
    const { href, path } = Object(input) as { href?: unknown; path?: unknown };
    return (typeof href === 'string' && isUrl(href)) || (types.isUint8Array(path) && path.length > 0);
  });
}

function pathOf(input: RunInput): Buffer {
  if (typeof input === 'string' && input !== '') return Buffer.from(input);
  const { path } = Object(input) as { path?: unknown };
  if (types.isUint8Array(path) && path.length > 0) return Buffer.from(path);
  throw noInput('An input is no path and no URL.');
}

function noInput(problem: string): InterrogatorError {
  return new InterrogatorError('ERR_INVALID_ARGUMENT', problem, {
    hint: "Give paths, URLs, '-' for standard input, or { path: Buffer }.",
  });
}

async function* fileUrlSources(url: string, options: FolderOptions): AsyncGenerator<Picture | Table> {
  let file: Buffer;
  try {
    file = fileUrlPath(url);
  } catch {
    return yield addressPicture(Buffer.from(url));
  }
  yield* sourcesAt(file, options);
}

async function* sourcesAt(file: Buffer, options: FolderOptions): AsyncGenerator<Picture | Table> {
  const found = await statOf(file);
  if (found?.isDirectory()) return yield* folderPictures(withoutSlash(file), options);
  const table = tableOf(file);
  if (found && table) return yield table;
  if (found?.isFIFO()) return yield streamPicture(shownPath(file), () => openPipe(file));
  if (found) return yield filePicture(file);
  const names = isUtf8(file) && file.length <= LONGEST_PATTERN ? expandBraces(file.toString()) : [];
  if (names.length > 0 && names.every(isTableName)) return yield* expandedTables(names);
  yield table ?? filePicture(file, { name: missingName(shownPath(file)) });
}

const LONGEST_PATTERN = 4096;

/** What is not there may be what a shell passed on, because it was quoted, or because nothing fits. */
async function* expandedTables(names: readonly string[]): AsyncGenerator<Picture | Table> {
  for (const name of names) {
    const files = isGlob(name) ? await expandGlob(name).catch((error: InterrogatorError) => error) : [Buffer.from(name)];
    if (files instanceof InterrogatorError) {
      yield failedPicture(name, files);
      continue;
    }
    if (files.length === 0) yield failedPicture(name, new InterrogatorError('ERR_IMAGE_NOT_FOUND', `There is no file that fits ${name}.`));
    for (const file of files) yield tableOf(file) as Table;
  }
}

/** Of a folder, so that what is in it is named with one. */
function withoutSlash(folder: Buffer): Buffer {
  let length = folder.length;
  while (length > 1 && folder[length - 1] === SLASH) length -= 1;
  return folder.subarray(0, length);
}

const SLASH = 0x2f;
const LONGEST_NAME = 300;

/** An image's text in Base64 is not repeated. */
function missingName(name: string): string {
  return name.length <= LONGEST_NAME || /[^\w+/=\s-]/.test(name) ? name : `${name.slice(0, 40)}…`;
}
