/**
 * npm run bench:fleet-scaling: one worker and two, each on a core of its own, on the sample pair and the same pictures, in turn. Redis and
 * this process are on the same cores, wherever the system puts them, and what they take is told.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { markdownTable } from 'markdown-table';
import { setUp } from '../../scripts/setup.mjs';
import { main, title } from '../../scripts/step.mjs';
import { absolute, wholeNumber } from '../options.mjs';
import { internal } from '../ours.mjs';
import { median } from '../sampling.mjs';
import { describeMachine } from './machine.mjs';
import { makePictures } from './pictures.mjs';
import { watchCores } from './processor-time.mjs';
import { rates } from './rates.mjs';
import { BenchRedis } from './redis.mjs';
import { PinnedWorker } from './worker.mjs';

/** Cores that others on the machine take, from which on a figure tells of them. */
const DISTURBED = 0.05;

await main(async () => {
  const options = new Command('npm run bench:fleet-scaling --')
    .description('One worker and two, each on one core.')
    .option('--pictures <n>', 'of a run', wholeNumber(100), 7000)
    .option('--shard-size <n>', 'pictures of a shard', wholeNumber(1), 50)
    .option('--shards <n>', 'that a worker has at the same time', wholeNumber(1), 2)
    .option('--samples <n>', 'of both, in turn', wholeNumber(1), 2)
    .option('--json <file>', 'write the figures as JSON', absolute)
    .option('--service-times <file>', 'write how long shards took beside their mean, for bench:fleet', absolute)
    .parse()
    .opts();
  const { path: libtorch } = await setUp();
  process.env.LIBTORCH = libtorch;
  const machine = await describeMachine();
  const work = mkdtempSync(path.join(tmpdir(), 'fleet-scaling-'));
  const redis = await BenchRedis.start();
  try {
    title(`${options.pictures} pictures`);
    await makePictures(path.join(work, 'set'), options.pictures);
    await makePictures(path.join(work, 'few'), 20);
    const bench = { ...options, libtorch, work, redis, cache: path.join(work, 'labels') };
    title('The first run makes the label embeddings');
    await sample(bench, { cores: [0], folder: 'few' });
    const taken = { 1: [], 2: [] };
    for (let i = 0; i < options.samples; i += 1) {
      // One worker is on this core and on that: they need not be alike.
      for (const cores of [[i % 2], [0, 1]]) {
        const figures = await sample(bench, { cores, folder: 'set' });
        taken[cores.length].push(figures);
        title(
          `${cores.length} ${cores.length === 1 ? 'worker' : 'workers'}: ${figures.steady_per_s.toFixed(1)} pictures/s, ${coresLine(figures.cores)}`,
        );
      }
    }
    const figures = { ...summary(taken), ...pick(options), samples: taken, machine };
    print(figures);
    if (options.json) writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
    if (options.serviceTimes) writeFileSync(options.serviceTimes, `${JSON.stringify(serviceTimes(taken[1]))}\n`);
  } finally {
    await redis.stop();
    rmSync(work, { recursive: true, force: true });
  }
});

/** The run is submitted before there is a worker; nobody lists or submits while it is measured. */
async function sample(bench, wanted) {
  const fleet = await internal('fleet').Fleet.connect({ url: bench.redis.url });
  try {
    return await sampleOf(fleet, bench, wanted);
  } finally {
    fleet.close();
  }
}

async function sampleOf(fleet, { work, redis, cache, shardSize, shards, libtorch }, { cores, folder }) {
  const { submitRun, readRun, removeRun } = internal('fleet');
  const place = mkdtempSync(path.join(work, 'sample-'));
  const config = { clipModelName: 'sample', captionModelName: 'sample' };
  const run = await submitRun(fleet, path.join(work, folder), {
    config,
    task: { kind: 'interrogate', modes: ['fast'] },
    out: [path.join(place, 'out.jsonl')],
    shardSize,
  });
  mkdirSync(cache, { recursive: true });
  let heard = () => {};
  const workers = cores.map((core) =>
    PinnedWorker.start({ redis, core, cache, folder: path.join(place, `worker-${core}`), shards, libtorch }, () => heard()),
  );
  try {
    const total = (await readRun(fleet, run)).shards.total;
    let coresTaken;
    await new Promise((resolve) => {
      heard = () => {
        if (!coresTaken && workers.every((each) => each.shards.length > 0)) {
          coresTaken = watchCores({ workers: workers.map(({ pid }) => pid), redis: [redis.pid], bench: [process.pid] });
        }
        if (workers.reduce((sum, each) => sum + each.shards.length, 0) >= total) resolve();
      };
      heard();
    });
    const taken = coresTaken?.() ?? {};
    while ((await readRun(fleet, run)).endedAt === undefined) await new Promise((resolve) => setTimeout(resolve, 100));
    return {
      ...rates(workers.map((each) => each.shards)),
      cores: taken,
      shard_seconds: workers.flatMap((each) => each.shards.map(({ seconds }) => seconds)),
    };
  } finally {
    for (const each of workers) await each.stop();
    await removeRun(fleet, run).catch(() => {});
    rmSync(place, { recursive: true, force: true });
  }
}

function summary(taken) {
  const of = (workers, name) => median(taken[workers].map((each) => each[name]));
  const ratio = (name) => of(2, name) / of(1, name);
  const perCore = (workers) => median(taken[workers].map((each) => each.steady_per_s / each.cores.workers));
  const others = [...taken[1], ...taken[2]].map(({ cores }) => cores.others + cores.stolen);
  return {
    ratio: ratio('steady_per_s'),
    ratio_with_tail: ratio('whole_per_s'),
    // Of what the workers got of the cores: without what others on the machine took.
    ratio_by_core_seconds: (2 * perCore(2)) / perCore(1),
    cores_of_others: Math.max(...others),
    one_per_s: of(1, 'steady_per_s'),
    two_per_s: of(2, 'steady_per_s'),
    one_with_tail_per_s: of(1, 'whole_per_s'),
    two_with_tail_per_s: of(2, 'whole_per_s'),
    one_per_core_s: perCore(1),
    two_per_core_s: 2 * perCore(2),
  };
}

function pick({ pictures, shardSize, shards }) {
  return { pictures, shard_size: shardSize, shards_at_once: shards };
}

/** Times of a device for shards of the same size, over their mean: between the ends of two of them, one after the other. */
function serviceTimes(samples) {
  const times = samples.flatMap(({ between_ends_s: times }) => {
    const mean = times.reduce((sum, each) => sum + each, 0) / times.length;
    return times.map((each) => Math.round((each / mean) * 1000) / 1000);
  });
  return times.sort((a, b) => a - b);
}

function coresLine({ workers, redis, bench, others, stolen }) {
  const shown = { workers, Redis: redis, 'this process': bench, 'others on the machine': others, 'its host': stolen };
  return Object.entries(shown)
    .map(([name, cores = 0]) => `${name} ${cores.toFixed(3)}`)
    .join(', ')
    .concat(' cores');
}

function print({ machine, ...figures }) {
  console.log(`\n${machine}\n`);
  const row = (what, name, ratio) => [
    what,
    figures[`one_${name}`].toFixed(1),
    figures[`two_${name}`].toFixed(1),
    `${figures[ratio].toFixed(3)}×`,
  ];
  const rows = [
    row('while all workers have work', 'per_s', 'ratio'),
    row('to the end of the last shard', 'with_tail_per_s', 'ratio_with_tail'),
    row('by what the workers got of the cores', 'per_core_s', 'ratio_by_core_seconds'),
  ];
  console.log(markdownTable([['pictures/s', 'one worker', 'two', 'ratio'], ...rows], { align: ['l', 'r', 'r', 'r'] }));
  if (figures.cores_of_others > DISTURBED) {
    console.log(`\nOthers on this machine took up to ${figures.cores_of_others.toFixed(2)} cores: the first two ratios tell of them, too.`);
  }
}
