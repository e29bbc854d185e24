/** What was measured, as the rows of the JSON file and of the printed table. */
import { writeFileSync } from 'node:fs';
import { markdownTable } from 'markdown-table';
import { median } from './sampling.mjs';

/**
 * One measure's row; null is what has no meaning there. `ratio` is the peer's seconds over ours, `limit_fraction` the part of
 * ours_s that limit_s is.
 */
export function row({ ours_s = null, peer_s = null, limit_s = null, unit, samples, ...more }) {
  const ratio = peer_s && peer_s / ours_s;
  return { ours_s, peer_s, ratio, limit_s, limit_fraction: limit_s && limit_s / ours_s, unit, samples, ...more };
}

/** The row of a plan's samples. Seconds are medians; `limit_s` is the least for the work at the rates measured in the same run. */
export function rowOf({ unit, note, peerNote, limit }, { ours, peer, rates }) {
  return row({
    ours_s: median(ours),
    peer_s: peer.length > 0 ? median(peer) : null,
    limit_s: limit?.(rates),
    unit,
    samples: ours.length,
    note,
    peer: peerNote || undefined,
    gflops: rates.flops / 1e9,
    copy_gb_s: rates.bytes / 1e9,
    ours_samples_s: ours,
    peer_samples_s: peer,
  });
}

/** The table, and below it what is to be known of single rows. */
export function printTable(rows) {
  const header = ['name', 'ours', 'peer', 'ratio', 'limit', 'of limit', 'samples', 'unit'];
  const body = rows.map((row) => [
    row.name,
    seconds(row.ours_s),
    seconds(row.peer_s),
    row.ratio === null ? '–' : `${row.ratio.toFixed(1)}×`,
    seconds(row.limit_s),
    row.limit_fraction === null ? '–' : `${(row.limit_fraction * 100).toFixed(0)} %`,
    String(row.samples),
    row.unit,
  ]);
  console.log(markdownTable([header, ...body], { align: ['l', 'r', 'r', 'r', 'r', 'r', 'r', 'l'] }));
  for (const { name, note, peer } of rows) {
    for (const text of [note, peer && `peer: ${peer}`]) if (text) console.log(`- ${name}: ${text}`);
  }
  for (const { name, from_linear: deviation } of rows) {
    if (deviation !== undefined) console.log(`- ${name}: ${(deviation * 100).toFixed(1)} % from linear`);
  }
}

/** What `--json` asks for; nothing where it was not given. */
export function writeRows(file, rows) {
  if (file) writeFileSync(file, `${JSON.stringify(rows, null, 2)}\n`);
}

export function seconds(value) {
  if (value === null) return '–';
  if (value >= 100) return `${value.toFixed(0)} s`;
  if (value >= 1) return `${value.toPrecision(3)} s`;
  if (value >= 1e-3) return `${(value * 1000).toPrecision(3)} ms`;
  return `${(value * 1e6).toFixed(1)} µs`;
}
