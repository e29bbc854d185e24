/** What starting costs, and what memory is taken: each in a fresh process. */
import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT, StepError } from '../../scripts/step.mjs';
import { CAPTION } from '../bench.mjs';
import { configFor } from '../ours.mjs';
import { Peer } from '../peer.mjs';
import { WORK } from '../prepare.mjs';
import { secondsOf } from '../sampling.mjs';
import { LARGE } from './event-loop.mjs';

const READY = path.join(ROOT, 'bench', 'ready-process.mjs');
const MIB = 2 ** 20;

export const load = {
  name: 'load',
  plan(bench) {
    const { prepared, options } = bench;
    const bytes = weightsBytes(prepared) + labelFilesBytes(prepared);
    return {
      unit: 's per start',
      note: 'from nothing to ready: process, libraries, models with their hashes checked, label embeddings from the cache; files in the page cache. The limit is those files read once',
      ours: () => untilReady(bench),
      peer: () => untilPeerReady(prepared, options),
      limit: (rates) => bytes / rates.bytes,
    };
  },
};

/** A row of memory rather than time. Null where the system does not tell. */
export async function memoryRow(bench, { device, machine }) {
  const { prepared, images } = bench;
  const { lines, ended } = await startOurs(bench, { images, caption: CAPTION });
  await ended;
  const [ready, worked] = lines.map(({ memory }) => memory);
  if (!ready) return null;
  const [weights, labels] = [weightsBytes(prepared), labelFilesBytes(prepared)];
  const mib = (bytes) => Math.round(bytes / MIB);
  const row = {
    weights_mib: mib(weights),
    labels_mib: mib(labels),
    anonymous_ready_mib: mib(ready.anonymous),
    anonymous_worked_mib: mib(worked.anonymous),
    mapped_mib: mib(worked.mapped),
    peak_mib: mib(worked.peak),
    over_weights_ready_mib: mib(ready.anonymous - weights - labels),
    over_weights_worked_mib: mib(worked.anonymous - weights - labels),
  };
  const note =
    `${row.over_weights_ready_mib} MiB over the weights (${row.weights_mib} MiB) and the label embeddings (${row.labels_mib} MiB) when ready, ${row.over_weights_worked_mib} MiB after ` +
    `${images.length} images at once, a chain and a second of rest; ${row.mapped_mib} MiB of mapped files not counted; ` +
    `at most ${row.peak_mib} MiB with them`;
  const times = { ours_s: null, peer_s: null, ratio: null, limit_s: null, limit_fraction: null };
  return { name: 'memory', device, ...times, unit: 'MiB', samples: 1, note, ...row, machine };
}

const CROWD = 100;

/** The peak of memory while a hundred callers wait with one 24-megapixel JPEG each, beside two callers who take turns. */
export async function crowdRow(bench, { device, machine }) {
  const { jpeg } = await bench.peer.call('make_large_images', { folder: path.join(WORK, 'large'), ...LARGE });
  const measure = async (callers) => {
    const { lines, ended } = await startOurs(bench, { images: Array(CROWD).fill(jpeg), callers, caption: CAPTION });
    await ended;
    const [ready, worked] = lines;
    return { ready: ready.memory, peak: worked.memory?.peak, seconds: worked.seconds };
  };
  const [few, many] = [await measure(2), await measure(CROWD)];
  if (!many.ready) return null;
  const mib = (bytes) => Math.round(bytes / MIB);
  const row = {
    callers: CROWD,
    images_per_s: CROWD / many.seconds,
    images_per_s_two_callers: CROWD / few.seconds,
    weights_mib: mib(weightsBytes(bench.prepared)),
    peak_mib: mib(many.peak),
    peak_over_ready_mib: mib(many.peak - many.ready.anonymous - many.ready.mapped),
  };
  const note =
    `${CROWD} callers with a JPEG of 24 megapixels each: at most ${row.peak_over_ready_mib} MiB over what was resident when ready, ` +
    `${row.images_per_s.toFixed(1)} images a second; two callers in turn ${row.images_per_s_two_callers.toFixed(1)}`;
  const times = { ours_s: many.seconds, peer_s: null, ratio: null, limit_s: null, limit_fraction: null };
  return { name: 'memory-100-callers', device, ...times, unit: `s for ${CROWD} images`, samples: 1, note, ...row, machine };
}

/** Starts a process that opens an interrogator. Resolves when it is ready, with a promise of its end, by when it has told all `lines`. */
function startOurs({ prepared, options }, work = {}) {
  const job = JSON.stringify({ config: configFor(prepared, options), ...work });
  const child = spawn(process.execPath, [READY, job], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = [];
  return new Promise((resolve, reject) => {
    const ended = new Promise((end) => {
      child.on('close', (code) => {
        reject(new StepError(`A process of ours ended with code ${code} before it was ready.`));
        end();
      });
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(JSON.parse(line));
      resolve({ lines, ended });
    });
  });
}

async function untilReady(bench) {
  let started;
  const seconds = await secondsOf(async () => {
    started = await startOurs(bench);
  });
  await started.ended;
  return seconds;
}

async function untilPeerReady(prepared, options) {
  let peer;
  try {
    return await secondsOf(async () => {
      peer = new Peer(options.python);
      await peer.load(prepared, options);
    });
  } finally {
    await peer?.stop();
  }
}

/** As they are in memory, float32 on the CPU: TorchScript files are their weights and a little code. */
function weightsBytes({ clip, caption }) {
  return filesBytes(clip.bundle, '.pt') + (caption ? filesBytes(caption.bundle, '.pt') : 0);
}

function labelFilesBytes({ cache }) {
  return filesBytes(cache, '.safetensors');
}

function filesBytes(folder, ending) {
  const names = readdirSync(folder).filter((name) => name.endsWith(ending));
  return names.reduce((total, name) => total + statSync(path.join(folder, name)).size, 0);
}
