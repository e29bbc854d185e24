/**
 * A checksum in label files: as free text in safetensors' header, which clip-interrogator passes over. Its own files have
 * none. It covers the whole file, its own eight digits taken as zeros.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { InterrogatorError, throwIfAborted } from '../errors';

const CHECKSUM = /"__metadata__":\{"crc32":"([\da-f]{8})"\}/;
const ZEROS = '00000000';
/** The header of two tensors lies in the file's first bytes. */
const LONGEST_HEADER = 1024;
/** Read at a time: a checksum of so much takes less than a millisecond. */
const PIECE_BYTES = 1 << 20;

/** Throws ERR_LABELS_DAMAGED where the file has a checksum that is not its content's, and where it is no regular file. */
export async function requireIntact(file: string, signal?: AbortSignal): Promise<void> {
  const damaged = (what: string): InterrogatorError => new InterrogatorError('ERR_LABELS_DAMAGED', `${file} ${what}.`);
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await handle.stat()).isFile()) throw damaged('is no regular file');
    let [sum, expected] = [0, ''];
    for await (const piece of pieces(handle, 0, signal)) {
      if (expected === '') {
        const header = piece.toString('latin1', 0, LONGEST_HEADER);
        const found = CHECKSUM.exec(header);
        if (!found && header.includes('"__metadata__"')) throw damaged('has a checksum that cannot be read');
        // Of clip-interrogator's making.
        if (!found) return;
        expected = found[1] as string;
        piece.write(ZEROS, header.indexOf(expected, found.index), 'latin1');
      }
      sum = crc32(piece, sum);
    }
    if (expected !== '' && digits(sum) !== expected) throw damaged(`has the checksum ${digits(sum)}, expected ${expected}`);
  } finally {
    await handle.close();
  }
}

/** Moves a label file that has just been made to its place, with a checksum. */
export async function seal(made: string, file: string, signal?: AbortSignal): Promise<void> {
  const sealed = `${made}.sealed`;
  let source: FileHandle | undefined;
  let target: FileHandle | undefined;
  try {
    source = await open(made);
    target = await open(sealed, 'w');
    const start = Buffer.alloc(LONGEST_HEADER);
    await source.read(start, 0, LONGEST_HEADER, 0);
    const size = Number(start.readBigUInt64LE());
    const json = start.toString('latin1', 8, 8 + size).trimEnd();
    if (8 + size > LONGEST_HEADER || !json.startsWith('{"') || json.includes('"__metadata__"')) return await rename(made, file);
    const header = `{"__metadata__":{"crc32":"${ZEROS}"},${json.slice(1)}`;
    const length = Math.ceil(header.length / 8) * 8;
    const prefix = Buffer.alloc(8 + length, ' ');
    prefix.writeBigUInt64LE(BigInt(length));
    prefix.write(header, 8, 'latin1');
    await target.writeFile(prefix);
    let sum = crc32(prefix);
    for await (const piece of pieces(source, 8 + size, signal)) {
      sum = crc32(piece, sum);
      await target.writeFile(piece);
    }
    await target.write(digits(sum), 8 + header.indexOf(ZEROS), 'latin1');
    await rename(sealed, file);
  } finally {
    await Promise.all([source?.close(), target?.close()]);
    await Promise.allSettled([made, sealed].map((left) => rm(left, { force: true })));
  }
}

async function* pieces(handle: FileHandle, start: number, signal?: AbortSignal): AsyncGenerator<Buffer> {
  for await (const piece of handle.createReadStream({ start, highWaterMark: PIECE_BYTES, autoClose: false })) {
    throwIfAborted(signal);
    yield piece;
  }
}

function digits(sum: number): string {
  return sum.toString(16).padStart(8, '0');
}
