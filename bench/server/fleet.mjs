/**
 * npm run bench:serve-fleet: a server without a device before two workers of the sample pair, each on a core of its own, over loopback.
 * What they can do at the most; then a steady load that one of them could bear, without and with workers that are killed: whether all
 * requests are answered, and rightly, and how long they take.
 */
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { markdownTable } from 'markdown-table';
import { main, ROOT, title } from '../../scripts/step.mjs';
import { BenchRedis } from '../fleet/measured/redis.mjs';
import { absolute, wholeNumber } from '../options.mjs';
import { writeRows } from '../rows.mjs';
import { closedLoop, openLoop } from '../traffic.mjs';
import { startWorker } from './fleet-processes.mjs';
import { Served } from './served.mjs';

const CORES = [0, 1];
/** Of what two workers can do: one alone is to bear it, and what has waited for it. */
const LOAD = 0.35;
const CALLERS = 16;
/** In which nobody is killed: a new worker starts. */
const LAST_SECONDS = 2;

await main(async () => {
  const { seconds, killEvery, json } = new Command('npm run bench:serve-fleet --')
    .description('A server before two workers, which are killed.')
    .option('--seconds <n>', 'of each load', wholeNumber(6), 60)
    .option('--kill-every <n>', 'seconds after which a worker is killed, one and the other in turn', wholeNumber(2), 4)
    .option('--json <file>', 'write the rows as JSON', absolute)
    .parse()
    .opts();
  const redis = await BenchRedis.start();
  const workers = await Promise.all(CORES.map((core) => startWorker(redis, core)));
  const served = await Served.start(['--redis', redis.url, '--no-local-device', '--cache', '0', '--max-wait', '600']);
  try {
    const ask = await requests(served);
    title('as fast as they can');
    await closedLoop(ask, { callers: CALLERS, seconds: 2 });
    const most = await closedLoop(ask, { callers: CALLERS, seconds: Math.min(10, seconds) });
    const rate = LOAD * most.calls_per_s;
    title(`${rate.toFixed(1)} requests a second`);
    const calm = await openLoop(ask, { rate, seconds });
    title('the same, with workers that are killed');
    const killing = killInTurn(workers, redis, { seconds, killEvery });
    const killed = await openLoop(ask, { rate, seconds });
    const rows = [
      { name: 'most', ...most },
      { name: 'steady', ...calm },
      { name: 'steady, workers killed', ...killed, ...(await killing) },
    ].map((row) => ({ ...row, rate_per_s: row.name === 'most' ? null : rate, machine: machine() }));
    print(rows);
    writeRows(json, rows);
    if (rows.some(({ failed, refused }) => failed + refused > 0)) process.exitCode = 1;
  } finally {
    await served.stop();
    await Promise.all(workers.map((each) => each.kill()));
    await redis.stop();
  }
});

/** Fast mode of pictures with captions of their own; an answer that is not the one of the start fails. */
async function requests(served) {
  const folder = path.join(ROOT, 'models', 'sample', 'images');
  const pictures = readdirSync(folder)
    .filter((file) => file.endsWith('.png'))
    .map((file) => readFileSync(path.join(folder, file)));
  const ask = async (number) => {
    const caption = `thing ${number % 7}`;
    const query = new URLSearchParams({ modes: 'fast', caption });
    const { status, body } = await served.ask(`/v1/interrogate?${query}`, { body: pictures[number % pictures.length], type: 'image/png' });
    if (status === 429) throw Object.assign(new Error(body.detail), { code: 'ERR_BUSY' });
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
    return body.descriptions[0].prompt;
  };
  const different = 7 * pictures.length;
  const right = [];
  for (let number = 0; number < different; number += 1) right.push(await ask(number));
  return async (number) => {
    const prompt = await ask(number);
    if (prompt !== right[number % different]) throw new Error(`request ${number} was answered with: ${prompt}`);
  };
}

/** One and the other, and started again at once. */
async function killInTurn(workers, redis, { seconds, killEvery }) {
  const kills = Math.floor((seconds - LAST_SECONDS) / killEvery);
  for (let i = 0; i < kills; i += 1) {
    await sleep(killEvery * 1000);
    const place = i % CORES.length;
    await workers[place].kill();
    workers[place] = await startWorker(redis, CORES[place]);
  }
  return { kills };
}

function machine() {
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  const [cpu] = os.cpus();
  return `${cpu.model.trim()}, ${os.cpus().length} cores; Node ${process.versions.node}, torch-interrogator ${version}; the sample pair`;
}

function print(rows) {
  const milliseconds = (seconds) => `${(seconds * 1000).toFixed(0)} ms`;
  const header = ['load', 'requests', 'answered', 'a second', 'p50', 'p99', 'most'];
  const body = rows.map(({ name, offered, answered, calls_per_s: rate, p50_s: p50, p99_s: p99, most_s: most }) => [
    ...[name, String(offered), String(answered), rate.toFixed(1)],
    ...[p50, p99, most].map(milliseconds),
  ]);
  console.log(`\n${rows[0].machine}\n\n${markdownTable([header, ...body], { align: ['l', 'r', 'r', 'r', 'r', 'r', 'r'] })}\n`);
  for (const { name, first_failure: failure } of rows) if (failure) console.log(`${name}: ${failure}`);
}
