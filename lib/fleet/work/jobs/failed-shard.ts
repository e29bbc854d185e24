/** The results of a shard that could not be worked on, whoever tried: each of its pictures failed with the reason. */
import { writeFile } from 'node:fs/promises';
import type { PictureEntry } from '../../../run/inputs';
import type { Row, RowError } from '../../../run/row';
import { rowLine, type ShardSummary, summaryLine } from '../../runs/row-lines';

export async function writeFailed(file: string, entries: readonly PictureEntry[], error: RowError): Promise<void> {
  const rows = entries.map((entry): Row => {
    const { name } = entry;
    if (entry.kind !== 'file') return { name, error };
    return { name, file: entry.file, ...(entry.root && { root: entry.root }), error };
  });
  const summary: ShardSummary = {
    done: 0,
    kept: 0,
    failed: rows.length,
    skipped: 0,
    encoded: 0,
    seconds: 0,
    failures: [],
    keys: [],
    embedDim: 0,
  };
  await writeFile(file, [...rows.map(rowLine), summaryLine(summary)].join(''));
}
