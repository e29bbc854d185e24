/**
 * npm run bench:serve-endurance: ten thousand requests on the sample pair, of which 5 % are broken pictures, 5 % hang up, and 2 % are too
 * large; whether each was answered as it should be, whether memory grows from the middle to the end, and whether anything is stuck. Then
 * SIGTERM while requests are under way: which of those that were accepted were answered.
 */
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { main, ROOT, title } from '../../scripts/step.mjs';
import { atOnce } from '../at-once.mjs';
import { absolute, wholeNumber } from '../options.mjs';
import { largePictures } from './large-pictures.mjs';
import { residentBytes } from './resident.mjs';
import { Served } from './served.mjs';

const MAX_BODY = 1 << 20;
const MOST_GROWTH = 0.02;
const KINDS = { broken: 0.05, 'hung up': 0.05, oversized: 0.02 };

function start() {
  const sample = path.join(ROOT, 'models', 'sample');
  return Served.start(['--clip', sample, '--caption', sample, '--cache', '20mb', '--max-body', String(MAX_BODY), '--max-wait', '600']);
}

async function endure(pictures, { requests, callers }) {
  title(`${requests} requests`);
  const served = await start();
  try {
    return await ask(served, pictures, { requests, callers });
  } finally {
    served.kill('SIGKILL');
  }
}

async function ask(served, pictures, { requests, callers }) {
  const counts = { fine: 0, broken: 0, 'hung up': 0, oversized: 0, wrong: 0 };
  const wrong = {};
  let middle;
  let done = 0;
  const one = async (number) => {
    const kind = kindOf(number);
    const status = await SEND[kind](served, pictures, number);
    if (WANTED[kind].includes(status)) counts[kind] += 1;
    else {
      counts.wrong += 1;
      wrong[`${kind}: ${status}`] = (wrong[`${kind}: ${status}`] ?? 0) + 1;
    }
    done += 1;
    if (done === requests / 2) middle = await settled(served);
  };
  const began = performance.now();
  await atOnce(callers, [...Array(requests).keys()], one);
  const seconds = (performance.now() - began) / 1000;
  const end = await settled(served);
  const { devices } = await served.status();
  const { body } = await served.ask('/v1/jobs');
  return {
    name: 'endurance',
    requests,
    per_s: requests / seconds,
    ...counts,
    ...(counts.wrong > 0 && { wrong_answers: wrong }),
    resident_middle_mb: middle / 1e6,
    resident_end_mb: end / 1e6,
    growth: end / middle - 1,
    running_at_end: devices[0].running,
    waiting_at_end: devices[0].waiting,
    jobs_running_at_end: body.jobs.filter(({ state }) => state === 'running').length,
    exit_code: await served.stop(),
  };
}

/** The same numbers have the same kinds in every run. */
function kindOf(number) {
  let place = ((number * 2654435761) % 2 ** 32) / 2 ** 32;
  for (const [kind, share] of Object.entries(KINDS)) {
    if (place < share) return kind;
    place -= share;
  }
  return 'fine';
}

const WANTED = { fine: [200], broken: [422], 'hung up': ['hung up', 200], oversized: [413, 'closed'] };
const ROUTE = '/v1/interrogate?modes=fast';

const SEND = {
  fine: (served, pictures, number) => {
    // Every tenth as a job, and some that the cache knows.
    const body = number % 3 === 0 ? unique(pictures[number % pictures.length], number) : pictures[number % pictures.length];
    if (number % 10 !== 0) return served.ask(ROUTE, { body, type: 'image/jpeg' }).then(({ status }) => status);
    return asJob(served, body);
  },
  broken: (served, pictures, number) => {
    const whole = pictures[number % pictures.length];
    return served
      .ask(ROUTE, { body: whole.subarray(0, 200 + ((number * 37) % (whole.length - 400))), type: 'image/jpeg' })
      .then(({ status }) => status);
  },
  oversized: (served) =>
    served.ask(ROUTE, { body: Buffer.alloc(2 * MAX_BODY), type: 'image/jpeg' }).then(
      ({ status }) => status,
      () => 'closed',
    ),
  'hung up': (served, pictures, number) => hangUp(served, unique(pictures[number % pictures.length], number), number % 25),
};

/** Another content: what stands behind the end of a JPEG is not looked at. */
function unique(bytes, number) {
  return Buffer.concat([bytes, Buffer.from(String(number))]);
}

async function asJob(served, body) {
  const { status, body: job } = await served.ask(ROUTE, { body, type: 'image/jpeg', headers: { prefer: 'respond-async' } });
  if (status !== 202) return status;
  for (;;) {
    const { body: now } = await served.ask(`/v1/jobs/${job.id}`);
    if (now.state !== 'running') return now.state === 'done' ? 200 : now.state;
    await sleep(20);
  }
}

/** Leaves after so many milliseconds, or in the middle of sending. */
function hangUp(served, body, after) {
  return new Promise((resolve) => {
    const sent = request(served.url + ROUTE, { method: 'POST', headers: { 'content-type': 'image/jpeg', 'content-length': body.length } });
    sent.on('error', () => resolve('hung up'));
    sent.on('response', (answer) =>
      answer
        .resume()
        .on('end', () => resolve(answer.statusCode))
        .on('error', () => resolve('hung up')),
    );
    if (after % 5 === 0) sent.write(body.subarray(0, body.length / 2));
    else sent.end(body);
    setTimeout(() => sent.destroy(), after);
  });
}

/** Once nothing runs and what was freed is given back. */
async function settled(served) {
  await sleep(3000);
  return residentBytes(served.pid);
}

async function terminate(pictures) {
  title('SIGTERM while requests are under way');
  const served = await start();
  const statuses = {};
  const calls = Array.from({ length: 300 }, (_, number) =>
    served.ask(ROUTE, { body: unique(pictures[number % pictures.length], number), type: 'image/jpeg' }).then(
      ({ status }) => {
        statuses[status] = (statuses[status] ?? 0) + 1;
        return status;
      },
      () => {
        statuses.lost = (statuses.lost ?? 0) + 1;
        return 'lost';
      },
    ),
  );
  // Some were answered, the others wait or run.
  await Promise.race(calls);
  await sleep(300);
  const { devices } = await served.status();
  served.kill('SIGTERM');
  await Promise.all(calls);
  const code = await served.ended();
  const wrong =
    (statuses.lost ?? 0) +
    Object.entries(statuses).reduce((sum, [status, count]) => sum + (/^(200|503|lost)$/.test(status) ? 0 : count), 0);
  return { name: 'sigterm', under_way: devices[0].running + devices[0].waiting, statuses, wrong, exit_code: code };
}

await main(async () => {
  const options = new Command('npm run bench:serve-endurance --')
    .option('--requests <n>', 'in all', wholeNumber(100), 10_000)
    .option('--callers <n>', 'at a time', wholeNumber(1), 16)
    .option('--json <file>', 'write the figures as JSON', absolute)
    .parse()
    .opts();
  const pictures = await largePictures(2e5, 64);
  const rows = [await endure(pictures, options), await terminate(pictures)];
  for (const row of rows) console.log(row);
  if (options.json) writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
  const failed = rows.some(
    ({ wrong, growth = 0, running_at_end: running = 0, waiting_at_end: waiting = 0, jobs_running_at_end: jobs = 0, exit_code: code }) =>
      wrong + running + waiting + jobs + code > 0 || growth > MOST_GROWTH,
  );
  return failed ? 1 : 0;
});
