/** What IMAGE|FOLDER|URL|-… on a command line stands for. */
import { isUtf8 } from 'node:buffer';
import { type BigIntStats, constants, createReadStream, openSync, type ReadStream, readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import path from 'node:path';
import { IMAGE_SUFFIXES, type ImageInput, InterrogatorError, loadList, shownUrl } from '../index';
import type { Work } from './lines';

/** The argument of the commands that take images: its name and what help says of it. */
export const IMAGE_ARGUMENTS = [
  '<image|folder|url|-...>',
  'image files, folders of images (subfolders too), URLs; - is an image on standard input',
] as const;

/** One image to work on, or the reason why this argument gives none. */
export interface CommandInput {
  /** As the user knows it: a path, a URL, or - for standard input. */
  name: string;
  open(): Promise<ImageInput>;
}

/** The images of these arguments, each with the same work to be done. */
export async function* imageWorks<R>(args: readonly string[], answer: (image: ImageInput) => Promise<R>): AsyncGenerator<Work<R>> {
  for await (const { name, open } of expandInputs(args)) {
    yield { names: [name], run: async () => [await answer(await open())] };
  }
}

/** The lines that are not empty of a list: of a file, of standard input (-), or of a pipe. */
export async function readLines(argument: string): Promise<string[]> {
  const file = argumentBytes(argument);
  const isPipe = argument !== '-' && (await statOf(file))?.isFIFO();
  const lines = await loadList(isPipe ? openPipe(file) : argument === '-' ? process.stdin : openFile(file));
  return lines.filter((line) => line !== '');
}

/** Folders become the images in them and in their subfolders, in the order of their names. */
export async function* expandInputs(args: readonly string[]): AsyncGenerator<CommandInput> {
  const counts = new Map<string, number>();
  for (const argument of args) {
    const before = counts.get(argument) ?? 0;
    counts.set(argument, before + 1);
    if (argument === '-') yield { name: argument, open: async () => process.stdin };
    else if (/^(https?|file|data):/i.test(argument)) yield { name: urlName(argument), open: async () => argument };
    else yield* inputsAt(argumentBytes(argument, before));
  }
}

const LONGEST_NAME = 300;

async function* inputsAt(file: Buffer): AsyncGenerator<CommandInput> {
  const found = await statOf(file);
  const whole = readable(file);
  // An image's text in Base64.
  const name = found || whole.length <= LONGEST_NAME || /[^\w+/=\s-]/.test(whole) ? whole : `${whole.slice(0, 40)}…`;
  if (found?.isFIFO()) yield { name, open: async () => openPipe(file) };
  // A missing file is the decoder's to report, with the same code as anywhere else.
  else if (!found?.isDirectory()) yield { name, open: async () => openFile(file) };
  else {
    let images = 0;
    for await (const input of imagesIn(file, found, new Set())) {
      images += 1;
      yield input;
    }
    if (images === 0)
      yield failed(
        name,
        new InterrogatorError('ERR_IMAGE_NOT_FOUND', `There are no images in ${name}.`, {
          hint: `Looked for ${[...IMAGE_SUFFIXES].join(' ')}, in subfolders too.`,
        }),
      );
  }
}

/** `walked` holds the folders that were entered: a link may lead to one of them again, or in a circle. */
async function* imagesIn(folder: Buffer, { dev, ino }: BigIntStats, walked: Set<string>): AsyncGenerator<CommandInput> {
  if (walked.has(`${dev}:${ino}`)) return;
  walked.add(`${dev}:${ino}`);
  // As bytes: a name need not be UTF-8.
  const entries = await readdir(folder, { withFileTypes: true, encoding: 'buffer' }).catch((cause: Error) => cause);
  if (!Array.isArray(entries)) {
    const message = `The folder ${readable(folder)} cannot be read: ${entries.message}.`;
    yield failed(readable(folder), new InterrogatorError('ERR_IO', message, { cause: entries }));
    return;
  }
  entries.sort((a, b) => Buffer.compare(a.name, b.name));
  for (const entry of entries) {
    const file = Buffer.concat([folder, SLASH, entry.name]);
    const found = entry.isDirectory() || entry.isSymbolicLink() ? await statOf(file) : undefined;
    if (found?.isDirectory()) yield* imagesIn(file, found, walked);
    else if (isImageName(entry.name.toString('latin1'))) yield { name: readable(file), open: async () => openFile(file) };
  }
}

const SLASH = Buffer.from('/');

/** macOS keeps what a foreign file system cannot hold of `x.jpg` in `._x.jpg`, which is no image. */
function isImageName(name: string): boolean {
  return IMAGE_SUFFIXES.has(path.extname(name).toLowerCase()) && !name.startsWith('._');
}

async function statOf(file: Buffer): Promise<BigIntStats | undefined> {
  return stat(file, { bigint: true }).catch(() => undefined);
}

/** The path where a string can hold it, else the file's bytes. */
function openFile(file: Buffer): string | ReadStream {
  return isUtf8(file) ? file.toString() : createReadStream(file);
}

/** `<(…)` of a shell, too. It waits for a writer without holding a thread, so that Ctrl-C ends the wait. */
function openPipe(file: Buffer): Socket {
  return new Socket({ fd: openSync(file, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
}

/** Without the data, which may be long, and private; without a password and the like. */
function urlName(url: string): string {
  if (/^data:/i.test(url)) return `${url.slice(0, url.indexOf(',', 5) + 1).slice(0, 100)}…`;
  return /^http/i.test(url) && /[@?#]/.test(url) ? shownUrl(url) : url;
}

function failed(name: string, error: InterrogatorError): CommandInput {
  return { name, open: () => Promise.reject(error) };
}

/** A path for people and for JSON. Where it is not UTF-8, its bytes beyond ASCII are escaped. */
function readable(file: Buffer): string {
  if (isUtf8(file)) return file.toString();
  return file.toString('latin1').replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

/** An argument's own bytes, of those that read alike the one after `before` others. Node reads them as UTF-8, and replaces what is not. */
function argumentBytes(argument: string, before = 0): Buffer {
  const text = Buffer.from(argument);
  if (!argument.includes('\ufffd') || process.platform !== 'linux') return text;
  const given = readFileSync('/proc/self/cmdline', 'latin1').split('\0');
  const values = given.map((each) => Buffer.from(each.replace(/^--[\w-]+=/, ''), 'latin1'));
  return values.filter((bytes) => bytes.toString() === argument)[before] ?? text;
}
