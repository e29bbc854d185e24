/** The package's graphs: networks without their weights, and where in a publisher's file each weight is. See docs/bundle-format.md. */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { InterrogatorError } from '../errors';
import { PACKAGE_MODELS } from './catalog';

const GRAPHS = path.join(PACKAGE_MODELS, 'graphs');
const SUFFIX = '.graph';

/** The folder of the tokenizers that graphs name. */
export const TOKENIZERS = path.join(PACKAGE_MODELS, 'tokenizers');

/** What a graph's header says; the core reads the rest of it. */
export interface GraphHeader {
  kind: 'clip' | 'caption';
  /** The fields of a manifest that describe the networks. */
  manifest: Record<string, unknown>;
  /** What the publisher's configuration says of the networks: fields of open_clip's `model_cfg`, or of a captioner's `config.json`. */
  config: Record<string, unknown>;
  /** Each tensor of the publisher's file that is read, with its shape. */
  tensors: Record<string, number[]>;
}

/** A graph, uncompressed: the length of its header in eight bytes, the header, the archives of its modules. */
export interface Graph {
  header: GraphHeader;
  modules: Uint8Array;
}

const LENGTH_BYTES = 8;
const decompress = promisify(brotliDecompress);

/** The identifiers of all graphs, sorted. */
export function listGraphs(): string[] {
  return readdirSync(GRAPHS)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length))
    .sort();
}

export function hasGraph(id: string): boolean {
  return listGraphs().includes(id);
}

/** Throws ERR_BUNDLE_INVALID where the package has no such graph, or a damaged one. */
export async function readGraph(id: string): Promise<Graph> {
  const file = path.join(GRAPHS, `${id}${SUFFIX}`);
  try {
    return parseGraph(await decompress(await readFile(file)));
  } catch (cause) {
    throw new InterrogatorError('ERR_BUNDLE_INVALID', `The graph ${file} cannot be read: ${(cause as Error).message}.`, {
      hint: 'Install this version of torch-interrogator again.',
      cause,
    });
  }
}

/** Of the bytes of a graph, uncompressed. */
export function parseGraph(whole: Buffer): Graph {
  const begin = LENGTH_BYTES + Number(whole.readBigUInt64LE(0));
  return { header: JSON.parse(whole.toString('utf8', LENGTH_BYTES, begin)) as GraphHeader, modules: whole.subarray(begin) };
}

/** Numbers in the tensors that are read: what was trained, and statistics of batch norms. */
export function parametersOf({ header }: Graph): number {
  return Object.values(header.tensors).reduce((sum, shape) => sum + shape.reduce((product, size) => product * size, 1), 0);
}

/** The graph as the core opens it, with this manifest in place of its own. */
export function composeGraph({ header, modules }: Graph, manifest: object): Uint8Array {
  const json = Buffer.from(JSON.stringify({ ...header, manifest }));
  const begin = Math.ceil((LENGTH_BYTES + json.length) / 8) * 8;
  const whole = Buffer.alloc(begin + modules.length, ' ');
  whole.writeBigUInt64LE(BigInt(begin - LENGTH_BYTES), 0);
  json.copy(whole, LENGTH_BYTES);
  whole.set(modules, begin);
  return whole;
}
