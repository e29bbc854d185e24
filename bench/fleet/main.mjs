/**
 * npm run bench:fleet: simulated workers, whose models are not there, against a real Redis on this machine. How near to their ideal they
 * come, what Redis has to do for it, how soon a shard is begun, what the death of a tenth of them costs, and where one Redis ends.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { setUp } from '../../scripts/setup.mjs';
import { main, ROOT, title } from '../../scripts/step.mjs';
import { absolute, wholeNumber } from '../options.mjs';
import { internal } from '../ours.mjs';
import { describeMachine } from './measured/machine.mjs';
import { BenchRedis } from './measured/redis.mjs';
import { arrivals } from './simulation/arrivals.mjs';
import { killTenth } from './simulation/kill.mjs';
import { saturation } from './simulation/saturation.mjs';
import { throughput } from './simulation/throughput.mjs';

const SERVICE_TIMES = path.join(ROOT, 'bench', 'fleet', 'service-times.json');
const MEASURES = ['throughput', 'arrivals', 'kill', 'saturation'];

await main(async () => {
  const options = new Command('npm run bench:fleet --')
    .description('Simulated workers against a real Redis.')
    .addOption(new Option('--only <names>', `some of ${MEASURES.join(', ')}`).argParser(listOf(MEASURES)).default(MEASURES))
    .option('--throughput <cases>', 'workers and the pictures a second of each one: 100@50,1000@5', cases, cases('100@50,100@200,1000@20'))
    .option('--workers <n>', 'of the other measures', wholeNumber(10), 1000)
    .option('--rate <n>', 'pictures a second of a worker there', wholeNumber(1), 50)
    .option('--kill-rate <n>', 'where a tenth is killed', wholeNumber(1), 20)
    .option('--shard-size <n>', 'pictures of a shard', wholeNumber(1), 200)
    .option('--seconds <n>', 'of each measure', wholeNumber(4), 12)
    .option('--lock-seconds <n>', 'without a word after which a worker counts as dead', wholeNumber(2), 30)
    .option('--processes <n>', 'that the workers are in', wholeNumber(1), 10)
    .option('--shards <n>', 'of saturation', wholeNumber(100), 8000)
    .option('--service-times <file>', 'of a real worker, over their mean, as bench:fleet-scaling writes them', absolute, SERVICE_TIMES)
    .option('--json <file>', 'write the rows as JSON', absolute)
    .parse()
    .opts();
  const { path: libtorch } = await setUp();
  process.env.LIBTORCH = libtorch;
  const machine = await describeMachine();
  const times = JSON.parse(readFileSync(options.serviceTimes, 'utf8'));
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-fleet-'));
  const redis = await BenchRedis.start();
  const fleet = await internal('fleet').Fleet.connect({ url: redis.url });
  const rows = [];
  try {
    for (const [name, measure] of measures(options, times)) {
      title(name);
      const row = { name: name.split(' ', 1)[0], ...(await measure({ redis, fleet, folder })), machine };
      print(row);
      rows.push(row);
    }
  } finally {
    // Of a long bench that failed, what was measured is kept.
    if (options.json && rows.length > 0) writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
    fleet.close();
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

function measures({ only, throughput: pairs, workers, rate, killRate, shardSize, seconds, lockSeconds, processes, shards }, times) {
  const common = { workers, rate, shardSize, seconds, processes, times };
  return [
    ...pairs.map((pair) => [
      `throughput of ${pair.workers} workers of ${pair.rate} pictures/s`,
      (context) => throughput(context, { ...common, ...pair }),
    ]),
    [`arrivals at ${workers} workers`, (context) => arrivals(context, { ...common, load: 0.7 })],
    [`kill of a tenth of ${workers} workers`, (context) => killTenth(context, { ...common, rate: killRate, lockSeconds })],
    ...[0, 8].map((updates) => [
      `saturation of one Redis, ${updates} words about the progress of a shard`,
      (context) => saturation(context, { shards, shardSize, processes: 2, updates }),
    ]),
  ].filter(([name]) => only.includes(name.split(' ', 1)[0]));
}

function listOf(known) {
  return (text) => {
    const unknown = text.split(',').find((name) => !known.includes(name));
    if (unknown !== undefined) throw new InvalidArgumentError(`there is no ${unknown}.`);
    return text.split(',');
  };
}

function cases(text) {
  return text.split(',').map((pair) => {
    const [, workers, rate] = /^(\d+)@(\d+)$/.exec(pair) ?? [];
    if (!(Number(workers) > 0 && Number(rate) > 0)) throw new InvalidArgumentError(`expected WORKERS@PICTURES, got ${pair}.`);
    return { workers: Number(workers), rate: Number(rate) };
  });
}

function print({ name: _, machine: __, costliest = [], ...figures }) {
  for (const [name, value] of Object.entries(figures)) process.stderr.write(`  ${name} ${shown(value)}\n`);
  for (const { name, per_s, us } of costliest) process.stderr.write(`  ${name}: ${shown(per_s)} a second, ${shown(us)} µs each\n`);
}

function shown(value) {
  if (typeof value === 'number') return String(Number(value.toPrecision(4)));
  if (value === null || typeof value !== 'object') return String(value);
  return Object.entries(value)
    .map(([name, each]) => `${name} ${shown(each)}`)
    .join(', ');
}
