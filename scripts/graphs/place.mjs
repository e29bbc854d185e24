/** The package's graphs: where they are, and what is read of one. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { parseGraph } from '../seeded-models.mjs';
import { ROOT, StepError } from '../step.mjs';

export const GRAPHS = path.join(ROOT, 'models', 'graphs');

/** The names of all graphs. */
export function graphNames() {
  return readdirSync(GRAPHS).map((file) => path.basename(file, '.graph'));
}

/** A graph of models/graphs, its header parsed. */
export function readPackageGraph(name) {
  const file = path.join(GRAPHS, `${name}.graph`);
  if (!existsSync(file)) throw new StepError(`There is no models/graphs/${name}.graph; npm run graphs ${name} makes it.`);
  return parseGraph(brotliDecompressSync(readFileSync(file)));
}

/** How many numbers its weights have. */
export function parametersOf({ header }) {
  return Object.values(header.tensors).reduce((sum, shape) => sum + shape.reduce((product, size) => product * size, 1), 0);
}
