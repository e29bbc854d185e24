/** Files of weights that are all zeros and take no room on the disk: for what is told by names and shapes. */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { readGraph } from '../../lib/bundles/graph';

export type Shapes = Readonly<Record<string, readonly number[]>>;

/** What an architecture's graph reads. */
export async function shapesOf(graph: string): Promise<Shapes> {
  return (await readGraph(graph)).header.tensors;
}

/** Safetensors, float32. */
export function writeEmptyWeights(file: string, shapes: Shapes): void {
  let end = 0;
  const header = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const begin = end;
      end += shape.reduce((product, size) => product * size, Float32Array.BYTES_PER_ELEMENT);
      return [name, { dtype: 'F32', shape, data_offsets: [begin, end] }];
    }),
  );
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const descriptor = openSync(file, 'w');
  try {
    writeSync(descriptor, Buffer.concat([length, json]));
    ftruncateSync(descriptor, length.length + json.length + end);
  } finally {
    closeSync(descriptor);
  }
}
