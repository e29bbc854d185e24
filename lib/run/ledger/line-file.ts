/** A file of lines, read by its parts: however long it is, little of it is in memory. */
import type { FileHandle } from 'node:fs/promises';
import { throwIfAborted } from '../../errors';
import { Turns } from '../turns';

const NEWLINE = 0x0a;
const CHUNK = 1 << 20;
/** Longer than most lines. */
const HEAD = 4096;

/** Bytes up to the last newline: what is behind it was torn. */
export async function wholeLength(handle: FileHandle): Promise<number> {
  const { size } = await handle.stat();
  const chunk = Buffer.alloc(Math.min(CHUNK, size));
  for (let end = size; end > 0; end -= chunk.length) {
    const begin = Math.max(0, end - chunk.length);
    const { bytesRead } = await handle.read(chunk, 0, end - begin, begin);
    const last = chunk.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (last >= 0) return begin + last + 1;
  }
  return 0;
}

/** Each line without its newline, and where it begins. */
export async function* linesOf(
  handle: FileHandle,
  end: number,
  signal?: AbortSignal,
): AsyncGenerator<{ line: Buffer; offset: number }, void, undefined> {
  let rest = Buffer.alloc(0);
  const turns = new Turns();
  for (let at = 0; at < end; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(Math.min(CHUNK, end - at)), 0, Math.min(CHUNK, end - at), at);
    if (bytesRead === 0) return;
    const bytes = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    let begin = 0;
    for (let newline = bytes.indexOf(NEWLINE); newline >= 0; newline = bytes.indexOf(NEWLINE, begin)) {
      yield { line: bytes.subarray(begin, newline), offset: at - rest.length + begin };
      begin = newline + 1;
      await turns.pass();
      throwIfAborted(signal);
    }
    at += bytesRead;
    rest = bytes.subarray(begin);
  }
}

/** The line that begins there, without its newline. */
export async function readLine(handle: FileHandle, offset: number): Promise<Buffer> {
  for (let size = HEAD; ; size *= 4) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(size), 0, size, offset);
    const newline = buffer.subarray(0, bytesRead).indexOf(NEWLINE);
    if (newline >= 0) return buffer.subarray(0, newline);
    if (bytesRead < size) return buffer.subarray(0, bytesRead);
  }
}
