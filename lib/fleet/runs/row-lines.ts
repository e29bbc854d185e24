/** A shard's results: a line a row, and a last line that says how it went. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { InterrogatorError } from '../../index';
import type { FailureGroup } from '../../run/progress';
import type { Row } from '../../run/row';

/** Pictures of a shard, by what became of them. */
export interface ShardCounts {
  done: number;
  kept: number;
  failed: number;
  skipped: number;
  encoded: number;
  /** Of a device's time, from its first picture to its last. */
  seconds: number;
}

/** How a shard went. */
export interface ShardSummary extends ShardCounts {
  failures: readonly FailureGroup[];
  /** Digests of all that its results depend on. */
  keys: readonly string[];
  embedDim: number;
}

/** Bytes and numbers that JSON does not have. */
type WrittenRow = Omit<Row, 'file' | 'root' | 'features'> & { file?: string; root?: string; features?: string };

export function rowLine({ file, root, features, ...row }: Row): string {
  const written: WrittenRow = {
    ...row,
    ...(file && { file: file.toString('latin1') }),
    ...(root && { root: root.toString('latin1') }),
    ...(features && { features: Buffer.from(features.buffer, features.byteOffset, features.byteLength).toString('base64') }),
  };
  return `${JSON.stringify({ row: written })}\n`;
}

export function summaryLine(summary: ShardSummary): string {
  return `${JSON.stringify({ summary })}\n`;
}

/** The rows, then how the shard went. Rejects with ERR_IO for what is no whole result. */
export async function* readRows(stream: Readable, name: string): AsyncGenerator<Row, ShardSummary> {
  let summary: ShardSummary | undefined;
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      const read = parse(line, name);
      if (read.summary) summary = read.summary;
      else if (read.row) yield rowOf(read.row);
    }
  } finally {
    // Whoever has enough leaves the file open.
    stream.destroy();
  }
  if (summary) return summary;
  throw new InterrogatorError('ERR_IO', `The results of ${name} are not whole.`, { hint: 'Remove the file, and retry the run.' });
}

function parse(line: string, name: string): { row?: WrittenRow; summary?: ShardSummary } {
  try {
    return JSON.parse(line) as { row?: WrittenRow; summary?: ShardSummary };
  } catch (cause) {
    throw new InterrogatorError('ERR_IO', `The results of ${name} are damaged.`, { hint: 'Remove the file, and retry the run.', cause });
  }
}

function rowOf({ file, root, features, ...row }: WrittenRow): Row {
  return {
    ...row,
    ...(file !== undefined && { file: Buffer.from(file, 'latin1') }),
    ...(root !== undefined && { root: Buffer.from(root, 'latin1') }),
    ...(features !== undefined && { features: floatsOf(features) }),
  };
}

function floatsOf(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** Where a shard's results are in the run's store. */
export function shardName(shard: number, round: number): string {
  return `shards/${String(shard).padStart(7, '0')}.${round}.jsonl`;
}
