/** What is needed of a wheel (a zip archive), written below a folder. */
import fs from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Entry } from 'yauzl';

/** A wheel may hold thousands of small headers, each of which waits for the disk. */
const WRITERS = 16;

export interface UnpackOptions {
  /** Where an entry goes, relative to the folder; undefined for one that is not needed. */
  place(name: string): string | undefined;
  /** Bytes so far and in all. */
  onProgress?(done: number, total: number): void;
  signal?: AbortSignal | undefined;
}

/** Writes what has a place below `folder`. yauzl refuses names that lead out of the folder. Rejects with what the disk or the signal says. */
export async function unpackWheel(file: string, folder: string, { place, onProgress, signal }: UnpackOptions): Promise<void> {
  const { openPromise } = require('yauzl') as typeof import('yauzl');
  const zip = await openPromise(file, { autoClose: false });
  try {
    const entries: [Entry, string][] = [];
    for await (const entry of zip.eachEntry()) {
      const target = entry.fileName.endsWith('/') ? undefined : place(entry.fileName);
      if (target !== undefined) entries.push([entry, path.join(folder, target)]);
    }
    const total = entries.reduce((sum, [{ uncompressedSize }]) => sum + uncompressedSize, 0);
    let done = 0;
    const queue = entries.values();
    const write = async (): Promise<void> => {
      for (const [entry, target] of queue) {
        await mkdir(path.dirname(target), { recursive: true });
        const content = await zip.openReadStreamPromise(entry);
        content.on('data', (chunk: Uint8Array) => {
          done += chunk.length;
          onProgress?.(done, total);
        });
        // ldd complains of libraries that are not executable.
        const mode = /\.(so|dylib)(\.|$)/.test(target) ? 0o755 : 0o644;
        await pipeline(content, fs.createWriteStream(target, { mode }), { ...(signal && { signal }) });
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, write));
  } finally {
    zip.close();
  }
}
