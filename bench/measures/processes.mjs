/** What starting costs, and what memory is taken: each in a fresh process. */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { CAPTION } from '../bench.mjs';
import { configFor } from '../ours.mjs';
import { Peer } from '../peer.mjs';
import { row } from '../rows.mjs';
import { secondsOf } from '../sampling.mjs';
import { startModule } from '../serve.mjs';
import { largeImages } from './event-loop.mjs';

const CROWD = 100;

const startOurs = () => startModule('ours-process.mjs');

export const load = {
  name: 'load',
  plan({ prepared, options }) {
    const startPeer = () => new Peer(options.python);
    const bytes = weightsBytes(prepared) + filesBytes(prepared.cache, '.safetensors');
    return {
      unit: 's per start',
      note: 'from nothing to ready: process, libraries, models with their hashes checked, label embeddings from the cache; files in the page cache. The limit is those files read once',
      ours: () => untilReady(startOurs, (ours) => ours.call('open', configFor(prepared, options))),
      peer: () => untilReady(startPeer, (peer) => peer.load(prepared, options)),
      limit: (rates) => bytes / rates.bytes,
    };
  },
};

export const memory = {
  name: 'memory',
  async rows(bench) {
    const { prepared, images } = bench;
    const chain = { caption: prepared.caption ? undefined : CAPTION, minFlavors: 2, maxFlavors: 2 };
    const { ready, memory: worked } = await work(bench, { images, callers: images.length, chain });
    if (!ready) return [];
    const [weights, labels] = [weightsBytes(prepared), filesBytes(prepared.cache, '.safetensors')];
    const sizes = {
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
      `${sizes.over_weights_ready_mib} MiB over the weights (${sizes.weights_mib} MiB) and the label embeddings (${sizes.labels_mib} MiB) when ready, ${sizes.over_weights_worked_mib} MiB after ` +
      `${images.length} images at once, a chain and a second of rest; ${sizes.mapped_mib} MiB of mapped files not counted; ` +
      `at most ${sizes.peak_mib} MiB with them`;
    return [row({ unit: 'MiB', samples: 1, note, ...sizes })];
  },
};

/** The peak of memory while a hundred callers wait with one 24-megapixel JPEG each, beside two callers who take turns. */
export const crowd = {
  name: 'memory-100-callers',
  async rows(bench) {
    const { jpeg } = await largeImages(bench);
    const images = Array(CROWD).fill(jpeg);
    const few = await work(bench, { images, callers: 2 });
    const { ready, memory, seconds } = await work(bench, { images, callers: CROWD });
    if (!ready) return [];
    const sizes = {
      callers: CROWD,
      images_per_s: CROWD / seconds,
      images_per_s_two_callers: CROWD / few.seconds,
      weights_mib: mib(weightsBytes(bench.prepared)),
      peak_mib: mib(memory.peak),
      peak_over_ready_mib: mib(memory.peak - ready.anonymous - ready.mapped),
    };
    const note =
      `${CROWD} callers with a JPEG of 24 megapixels each: at most ${sizes.peak_over_ready_mib} MiB over what was resident when ready, ` +
      `${sizes.images_per_s.toFixed(1)} images a second; two callers in turn ${sizes.images_per_s_two_callers.toFixed(1)}`;
    return [row({ ours_s: seconds, unit: `s for ${CROWD} images`, samples: 1, note, ...sizes })];
  },
};

/** Seconds from the start of a process. */
async function untilReady(start, open) {
  let started;
  try {
    return await secondsOf(() => {
      started = start();
      return open(started);
    });
  } finally {
    await started.stop();
  }
}

/** What work in a fresh process took: {seconds, memory}, and the memory when it was `ready`. Memory is null where the system does not tell. */
async function work({ prepared, options }, given) {
  const ours = startOurs();
  try {
    const ready = await ours.call('open', configFor(prepared, options));
    return { ready, ...(await ours.call('work', { caption: CAPTION, ...given })) };
  } finally {
    await ours.stop();
  }
}

/** As they are in memory, float32 on the CPU: TorchScript files are their weights and a little code. */
function weightsBytes({ clip, caption }) {
  return filesBytes(clip.bundle, '.pt') + (caption ? filesBytes(caption.bundle, '.pt') : 0);
}

function filesBytes(folder, ending) {
  const names = readdirSync(folder).filter((name) => name.endsWith(ending));
  return names.reduce((total, name) => total + statSync(path.join(folder, name)).size, 0);
}

function mib(bytes) {
  return Math.round(bytes / 2 ** 20);
}
