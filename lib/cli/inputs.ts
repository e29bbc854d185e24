/** What IMAGE|FOLDER|URL|-… and FILE on a command line stand for, as bytes where they are not UTF-8. */
import { isUtf8 } from 'node:buffer';
import { constants, createReadStream, openSync, type ReadStream, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Command } from 'commander';
import { loadList, type RunInput } from '../index';

/** The argument of the commands that take images: its name and what help says of it. */
export const IMAGE_ARGUMENTS = [
  '[image|folder|url|-...]',
  'image files, folders of images (subfolders too), URLs, tar shards, parquet files; - is an image on standard input',
] as const;

/** The arguments as a run takes them. */
export function argumentInputs(args: readonly string[]): RunInput[] {
  const counts = new Map<string, number>();
  return args.map((argument) => {
    const before = counts.get(argument) ?? 0;
    counts.set(argument, before + 1);
    const bytes = argumentBytes(argument, before);
    return isUtf8(bytes) ? argument : { path: bytes };
  });
}

/** An argument or option, by the name that a message gives it, with its value. */
type Reader = readonly [name: string, value: string | undefined];

/** The pictures and lists of a command line, for refuseSharedInput(). */
export function pictureReaders(pictures: readonly string[], lists: readonly string[]): Reader[] {
  return [...pictures.map((each): Reader => ['the picture -', each]), ...lists.map((each): Reader => ['--from -', each])];
}

/** Ends the command where two read standard input: the second would find nothing there. */
export function refuseSharedInput(command: Command, readers: readonly Reader[]): void {
  const [[first] = [], [second] = []] = readers.filter(([, value]) => value === '-');
  if (second === undefined) return;
  command.error(`error: ${first} and ${second} both read standard input: give a file for one of them.`);
}

/** The lines that are not empty of a list: of a file, of standard input (-), or of a pipe. */
export async function readLines(argument: string): Promise<string[]> {
  const file = argumentBytes(argument);
  const isPipe = argument !== '-' && (await stat(file).catch(() => undefined))?.isFIFO();
  const lines = await loadList(isPipe ? openPipe(file) : argument === '-' ? process.stdin : openFile(file));
  return lines.filter((line) => line !== '');
}

/** The path where a string can hold it, else the file's bytes. */
function openFile(file: Buffer): string | ReadStream {
  return isUtf8(file) ? file.toString() : createReadStream(file);
}

/** `<(…)` of a shell, too. It waits for a writer without holding a thread, so that Ctrl-C ends the wait. */
function openPipe(file: Buffer): Socket {
  return new Socket({ fd: openSync(file, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
}

/** An argument's own bytes, of those that read alike the one after `before` others. Node reads them as UTF-8, and replaces what is not. */
function argumentBytes(argument: string, before = 0): Buffer {
  const text = Buffer.from(argument);
  if (!argument.includes('\ufffd') || process.platform !== 'linux') return text;
  const given = readFileSync('/proc/self/cmdline', 'latin1').split('\0');
  const values = given.map((each) => Buffer.from(each.replace(/^--[\w-]+=/, ''), 'latin1'));
  return values.filter((bytes) => bytes.toString() === argument)[before] ?? text;
}
