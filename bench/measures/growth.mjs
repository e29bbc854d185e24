/** Whether cost grows as the work does: a chain step over more and more candidates, a ranking of more and more labels. */
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { CAPTION } from '../bench.mjs';
import { evictCaches } from '../caches.mjs';
import { labelBytes } from '../limits.mjs';
import { WORK } from '../prepare.mjs';
import { residentMemory } from '../resident-memory.mjs';
import { secondsOf } from '../sampling.mjs';
import { oneStep, stepFlops } from './chain.mjs';

const CANDIDATES = { 500: 500, 2000: 2000, 8000: 8000 };
const LABELS = { '10k': 10_000, '100k': 100_000, '1m': 1_000_000 };
const TOP = 32;
const SEED = 9;

const candidateMeasures = Object.entries(CANDIDATES).map(([size, count]) => ({
  name: `growth-candidates-${size}`,
  group: 'growth',
  size: count,
  async plan(bench) {
    const phrases = distinctPhrases(bench, count);
    const flops = await stepFlops(bench, phrases, CAPTION);
    return {
      unit: `s per step of ${count} candidates`,
      note: 'phrases of three one-token words, no two of which begin alike',
      ours: () => afterEviction(() => oneStep(bench, phrases)),
      peer: null,
      limit: (rates) => flops / rates.flops,
    };
  },
}));

const labelMeasures = Object.entries(LABELS).map(([size, count]) => ({
  name: `growth-labels-${size}`,
  group: 'growth',
  size: count,
  async plan({ ours, peer, features, clip }) {
    const { binding } = ours.engine;
    const file = path.join(WORK, `growth-labels-${size}.safetensors`);
    await peer.call('write_random_labels', { file, rows: count, dim: clip.embedDim, seed: SEED });
    const before = residentMemory();
    const matrix = await binding.openLabelMatrix(file, { dim: clip.embedDim });
    const rank = () => binding.topK([matrix], features.native, TOP, {});
    await rank();
    const grown = before && Math.round((residentMemory().anonymous - before.anonymous) / 2 ** 20);
    const megabytes = Math.round(labelBytes(count, clip.embedDim) / 1e6);
    return {
      unit: `s per ranking of ${count} labels`,
      note: `random float16 rows, the true best ${TOP}${before ? `; the process's own memory grew by ${grown} MiB for ${megabytes} MB of labels` : ''}`,
      ours: () => afterEviction(rank),
      peer: null,
      limit: (rates) => labelBytes(count, clip.embedDim) / rates.bytes,
      fields: before ? { anonymous_growth_mib: grown } : {},
      end: () => rmSync(file, { force: true }),
    };
  },
}));

export const growth = [...candidateMeasures, ...labelMeasures];

/** How far the cost of one candidate, or of one label, is from that of the middle size. */
export function deviations(rows) {
  return [candidateMeasures, labelMeasures].flatMap((measures) => {
    const costs = measures.map(({ name, size }) => ({ name, cost: (rows.find((row) => row.name === name)?.ours_s ?? Number.NaN) / size }));
    const middle = costs[1].cost;
    return costs.filter(({ cost }) => cost / middle > 0).map(({ name, cost }) => ({ name, deviation: cost / middle - 1 }));
  });
}

function afterEviction(work) {
  evictCaches();
  return secondsOf(work);
}

function distinctPhrases({ prepared, clip }, count) {
  const words = oneTokenWords(path.join(prepared.clip.bundle, clip.tokenizer.file));
  const word = (index) => words[index % words.length];
  return Array.from({ length: count }, (_, i) => `${word(i)} ${word(i * 7 + 1)} ${word(i * 13 + 2)}`);
}

/** Words of the tokenizer's own list that are one token each. */
function oneTokenWords(tokenizerFile) {
  const { vocab } = JSON.parse(readFileSync(tokenizerFile, 'utf8')).model;
  return Object.keys(vocab)
    .filter((token) => /^[a-z]{3,10}<\/w>$/.test(token))
    .map((token) => token.slice(0, -'</w>'.length));
}
