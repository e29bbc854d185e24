/** What starting costs, and what memory is taken: each in a fresh process. */
import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT, StepError } from '../../scripts/step.mjs';
import { CAPTION } from '../bench.mjs';
import { configFor } from '../ours.mjs';
import { Peer } from '../peer.mjs';
import { secondsOf } from '../sampling.mjs';

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
  const weights = weightsBytes(prepared);
  const mib = (bytes) => Math.round(bytes / MIB);
  const row = {
    weights_mib: mib(weights),
    anonymous_ready_mib: mib(ready.anonymous),
    anonymous_worked_mib: mib(worked.anonymous),
    mapped_mib: mib(worked.mapped),
    peak_mib: mib(worked.peak),
    over_weights_ready_mib: mib(ready.anonymous - weights),
    over_weights_worked_mib: mib(worked.anonymous - weights),
  };
  const note =
    `${row.over_weights_ready_mib} MiB over the weights (${row.weights_mib} MiB) when ready, ${row.over_weights_worked_mib} MiB after ` +
    `${images.length} images at once, a chain and a second of rest; ${row.mapped_mib} MiB of mapped files not counted; ` +
    `at most ${row.peak_mib} MiB with them`;
  const times = { ours_s: null, peer_s: null, ratio: null, limit_s: null, limit_fraction: null };
  return { name: 'memory', device, ...times, unit: 'MiB', samples: 1, note, ...row, machine };
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
