/**
 * Whether cost grows as the work does: a chain step over more and more candidates, a ranking of more and more labels. The
 * middle size is measured in turn with each other one, for a machine whose speed changes from minute to minute.
 */
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { CAPTION } from '../bench.mjs';
import { evictCaches } from '../caches.mjs';
import { labelBytes } from '../limits.mjs';
import { WORK } from '../prepare.mjs';
import { residentMemory } from '../resident-memory.mjs';
import { median, secondsOf } from '../sampling.mjs';
import { oneStep, stepFlops } from './chain.mjs';

const CANDIDATES = [500, 2000, 8000];
const MIDDLE_CANDIDATES = 2000;
const LABELS = { '10k': 10_000, '100k': 100_000, '1m': 1_000_000 };
const MIDDLE_LABELS = 100_000;
/** In a sample, so that each size reads as much, and more than caches hold before it reads any of it again. */
const LABELS_A_SAMPLE = 1_000_000;
const LEAST_DISTINCT = 100_000;
const TOP = 32;
const SEED = 9;

const candidateMeasures = CANDIDATES.map((count) => ({
  name: `growth-candidates-${count}`,
  group: 'growth',
  async plan(bench) {
    const phrases = distinctPhrases(bench, count);
    const flops = await stepFlops(bench, phrases, CAPTION);
    const step = (some) => () => afterEviction(() => oneStep(bench, some));
    return {
      unit: `s per step of ${count} candidates`,
      note: 'phrases of three one-token words, no two of which begin alike',
      ours: step(phrases),
      ...besideMiddle({ size: count, middle: MIDDLE_CANDIDATES, beside: step(distinctPhrases(bench, MIDDLE_CANDIDATES)) }),
      limit: (rates) => flops / rates.flops,
    };
  },
}));

const labelMeasures = Object.entries(LABELS).map(([size, count]) => ({
  name: `growth-labels-${size}`,
  group: 'growth',
  async plan(bench) {
    const dim = bench.clip.embedDim;
    const before = residentMemory();
    const labels = await syntheticLabels(bench, count);
    await labels.rankAll();
    const grown = before && Math.round((residentMemory().anonymous - before.anonymous) / 2 ** 20);
    const { length: tables } = labels.files;
    const megabytes = Math.round((tables * labelBytes(count, dim)) / 1e6);
    const middle = count === MIDDLE_LABELS ? labels : await syntheticLabels(bench, MIDDLE_LABELS);
    return {
      unit: `s per ranking of ${count} labels`,
      note:
        `random float16 rows, the true best ${TOP}; ${tables > 1 ? `${tables} tables at once` : 'one table'}, ` +
        `${labels.rounds} in turn${before ? `; the process's own memory grew by ${grown} MiB for ${megabytes} MB of labels` : ''}`,
      ours: labels.secondsOfOne,
      ...besideMiddle({ size: count, middle: MIDDLE_LABELS, beside: middle.secondsOfOne }),
      limit: (rates) => labelBytes(count, dim) / rates.bytes,
      fields: before && { anonymous_growth_mib: grown },
      end: () => {
        for (const file of [...labels.files, ...middle.files]) rmSync(file, { force: true });
      },
    };
  },
}));

export const growth = [...candidateMeasures, ...labelMeasures];

/** The part of a plan that measures the middle size in turn with this one; `from_linear` is how far one item's costs are apart. */
export function besideMiddle({ size, middle, beside }) {
  if (size === middle) return {};
  return {
    beside,
    compare: (taken) => ({ from_linear: median(taken.ours.map((seconds, i) => seconds / size / (taken.beside[i] / middle))) - 1 }),
  };
}

/** Random labels, opened: one file, or as many as make LEAST_DISTINCT labels. `rounds` of rankings make LABELS_A_SAMPLE labels. */
async function syntheticLabels({ ours, peer, features, clip: { embedDim: dim } }, count) {
  const { binding } = ours.engine;
  const files = Array.from({ length: Math.ceil(LEAST_DISTINCT / count) }, (_, i) =>
    path.join(WORK, `growth-labels-${count}-${i}.safetensors`),
  );
  for (const [i, file] of files.entries()) await peer.call('write_random_labels', { file, rows: count, dim, seed: SEED + i });
  const matrices = await Promise.all(files.map((file) => binding.openLabelMatrix(file, { dim })));
  const rounds = LABELS_A_SAMPLE / count / files.length;
  const rankAll = async () => {
    for (let i = 0; i < rounds; i += 1) await Promise.all(matrices.map((matrix) => binding.topK([matrix], features.native, TOP, {})));
  };
  return { files, rounds, rankAll, secondsOfOne: async () => (await afterEviction(rankAll)) / rounds / files.length };
}

function afterEviction(work) {
  evictCaches();
  return secondsOf(work);
}

/** Made of words of the tokenizer's own list that are one token each. */
function distinctPhrases({ prepared, clip }, count) {
  const { vocab } = JSON.parse(readFileSync(path.join(prepared.clip.bundle, clip.tokenizer.file), 'utf8')).model;
  const words = Object.keys(vocab).flatMap((token) => /^([a-z]{3,10})<\/w>$/.exec(token)?.[1] ?? []);
  const word = (index) => words[index % words.length];
  return Array.from({ length: count }, (_, i) => `${word(i)} ${word(i * 7 + 1)} ${word(i * 13 + 2)}`);
}
