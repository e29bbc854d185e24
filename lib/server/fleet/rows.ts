/** Rows of numbers as texts. */
import { base64Of } from '../answers/base64-of';

/** Row after row, float32 in Base64. */
export function packedRows(rows: readonly Float32Array[]): string {
  const dim = rows[0]?.length ?? 0;
  const all = new Float32Array(rows.length * dim);
  for (const [i, row] of rows.entries()) all.set(row, i * dim);
  return base64Of(all);
}

/** Copies, each with memory of its own. */
export function unpackedRows(text: string, count: number): Float32Array[] {
  const bytes = Buffer.from(text, 'base64');
  const size = bytes.length / Math.max(1, count);
  return Array.from({ length: count }, (_, i) => {
    const start = bytes.byteOffset + i * size;
    return new Float32Array(bytes.buffer.slice(start, start + size));
  });
}
