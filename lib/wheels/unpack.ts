/** What is needed of a wheel (a zip archive), written below a folder. */
import fs from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Entry, ZipFile } from 'yauzl';
import { throwIfAborted } from '../errors';

/** A wheel may hold thousands of small headers, each of which waits for the disk. */
const WRITERS = 16;

export interface UnpackOptions {
  /** Where an entry goes, relative to the folder; undefined for one that is not needed. */
  place(name: string): string | undefined;
  /** Bytes so far and in all. */
  onProgress?(done: number, total: number): void;
  signal?: AbortSignal | undefined;
}

/**
 * Writes what has a place below `folder`; all of it is on the disk then, also after a loss of power. yauzl refuses names that lead out of
 * the folder. Rejects with what the disk, the wheel, the listener or the signal says.
 */
export async function unpackWheel(file: string, folder: string, { place, onProgress, signal }: UnpackOptions): Promise<void> {
  const entries = await listEntries(file, place);
  const total = entries.reduce((sum, { entry }) => sum + entry.uncompressedSize, 0);
  let done = 0;
  let failure: { cause: unknown } | undefined;
  async function* watched(parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const part of parts) {
      throwIfAborted(signal);
      if (failure) throw failure.cause;
      done += part.length;
      onProgress?.(done, total);
      yield part;
    }
  }
  const queue = entries.values();
  const write = async (): Promise<void> => {
    // One for each: in a file that several read at once, yauzl throws at nobody where one of them stops early.
    const zip = await openZip(file);
    try {
      for (const { entry, name } of queue) {
        throwIfAborted(signal);
        if (failure) return;
        const target = path.join(folder, name);
        await mkdir(path.dirname(target), { recursive: true });
        // ldd complains of libraries that are not executable.
        const mode = /\.(so|dylib)(\.|$)/.test(name) ? 0o755 : 0o644;
        await pipeline(await zip.openReadStreamPromise(entry), watched, fs.createWriteStream(target, { mode, flush: true }));
      }
    } catch (cause) {
      failure ??= { cause };
    } finally {
      zip.close();
    }
  };
  // Nobody writes any more when this is over, however it ends.
  await Promise.all(Array.from({ length: WRITERS }, write));
  if (failure) throw failure.cause;
}

async function listEntries(file: string, place: UnpackOptions['place']): Promise<{ entry: Entry; name: string }[]> {
  const zip = await openZip(file);
  try {
    const entries: { entry: Entry; name: string }[] = [];
    for await (const entry of zip.eachEntry()) {
      const name = entry.fileName.endsWith('/') ? undefined : place(entry.fileName);
      if (name !== undefined) entries.push({ entry, name });
    }
    return entries;
  } finally {
    zip.close();
  }
}

function openZip(file: string): Promise<ZipFile> {
  const { openPromise } = require('yauzl') as typeof import('yauzl');
  return openPromise(file, { autoClose: false });
}
