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
/** In a sample, so that each size reads as much, and more than caches hold before it reads any of it again. */
const LABELS_A_SAMPLE = 1_000_000;
const LEAST_DISTINCT = 100_000;
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
    const dim = clip.embedDim;
    const tables = Math.ceil(LEAST_DISTINCT / count);
    const files = Array.from({ length: tables }, (_, i) => path.join(WORK, `growth-labels-${size}-${i}.safetensors`));
    for (const [i, file] of files.entries()) await peer.call('write_random_labels', { file, rows: count, dim, seed: SEED + i });
    const before = residentMemory();
    const matrices = await Promise.all(files.map((file) => binding.openLabelMatrix(file, { dim })));
    const rounds = LABELS_A_SAMPLE / count / tables;
    const rankAll = async () => {
      for (let i = 0; i < rounds; i++) await Promise.all(matrices.map((matrix) => binding.topK([matrix], features.native, TOP, {})));
    };
    await rankAll();
    const grown = before && Math.round((residentMemory().anonymous - before.anonymous) / 2 ** 20);
    const megabytes = Math.round((tables * labelBytes(count, dim)) / 1e6);
    return {
      unit: `s per ranking of ${count} labels`,
      note:
        `random float16 rows, the true best ${TOP}; ${tables > 1 ? `${tables} tables at once` : 'one table'}, ${rounds} in turn` +
        `${before ? `; the process's own memory grew by ${grown} MiB for ${megabytes} MB of labels` : ''}`,
      ours: async () => (await afterEviction(rankAll)) / rounds / tables,
      peer: null,
      limit: (rates) => labelBytes(count, dim) / rates.bytes,
      fields: before ? { anonymous_growth_mib: grown } : {},
      end: () => {
        for (const file of files) rmSync(file, { force: true });
      },
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
