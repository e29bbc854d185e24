/** Parts of a file, for a thread of its own: it reads while others go on. */
import { fstatSync, openSync, readSync } from 'node:fs';

/** As the library wants files, too. */
export interface FileBytes {
  readonly byteLength: number;
  /** Throws where the file ends before. */
  read(start: number, end: number): Uint8Array<ArrayBuffer>;
  slice(start: number, end?: number): ArrayBuffer;
}

/** Open until the thread ends. */
export function openBytes(file: Buffer): FileBytes {
  const descriptor = openSync(file, 'r');
  const byteLength = fstatSync(descriptor).size;
  const read = (start: number, end: number): Uint8Array<ArrayBuffer> => {
    if (start < 0 || end < start || end > byteLength) throw new Error(`it refers to bytes ${start} to ${end}, and has ${byteLength}`);
    const bytes = new Uint8Array(end - start);
    for (let at = 0; at < bytes.length; ) {
      const length = readSync(descriptor, bytes, at, Math.min(bytes.length - at, 1 << 30), start + at);
      if (length === 0) throw new Error(`it ends at byte ${start + at}`);
      at += length;
    }
    return bytes;
  };
  return { byteLength, read, slice: (start, end = byteLength) => read(start, Math.min(end, byteLength)).buffer };
}
