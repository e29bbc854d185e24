/** The file of the image features of one model: float16 rows, one after the other, read at random and written at the end. */
import { type FileHandle, open } from 'node:fs/promises';
import { type FeatureRows, LEAST_LENGTH } from '../feature-rows';
import { fromFloat16, toFloat16 } from './float16';

const BYTES = 2;

export class FeatureFile implements FeatureRows {
  private rows: number;

  private constructor(
    private readonly handle: FileHandle,
    readonly dim: number,
    /** Rows that the ledger knows of. What is behind them was never recorded, and is written over. */
    known: number,
  ) {
    this.rows = known;
  }

  static async open(file: string, dim: number, { known, readOnly }: { known: number; readOnly: boolean }): Promise<FeatureFile> {
    const handle = await open(file, readOnly ? 'r' : 'r+').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' && !readOnly) return open(file, 'wx+');
      throw error;
    });
    return new FeatureFile(handle, dim, known);
  }

  get count(): number {
    return this.rows;
  }

  /** Puts rows at the end. Resolves with the place of the first. */
  async append(rows: readonly Float32Array[]): Promise<number> {
    const place = this.rows;
    const bytes = Buffer.alloc(rows.length * this.dim * BYTES);
    let at = 0;
    for (const row of rows) for (const value of row) at = bytes.writeUInt16LE(toFloat16(value), at);
    await writeAll(this.handle, bytes, place * this.dim * BYTES);
    this.rows += rows.length;
    return place;
  }

  async read(places: readonly number[]): Promise<Float32Array> {
    const values = new Float32Array(places.length * this.dim);
    const bytes = Buffer.alloc(this.dim * BYTES);
    for (const [i, place] of places.entries()) {
      const { bytesRead } = await this.handle.read(bytes, 0, bytes.length, place * bytes.length);
      bytes.fill(0, bytesRead);
      for (let j = 0; j < this.dim; j += 1) values[i * this.dim + j] = fromFloat16(bytes.readUInt16LE(j * BYTES));
    }
    return values;
  }

  /** One row; undefined where the disk does not have it as it was written. */
  async row(place: number): Promise<Float32Array | undefined> {
    const row = await this.read([place]);
    const length = Math.hypot(...row);
    return length >= LEAST_LENGTH && Number.isFinite(length) ? row : undefined;
  }

  async sync(): Promise<void> {
    await this.handle.datasync();
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** The numbers as they are kept: rounded to float16. */
export function asKept(row: Float32Array): Float32Array {
  return row.map((value) => fromFloat16(toFloat16(value)));
}

/** All of the bytes: a disk that is nearly full takes a part. */
export async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
