/**
 * npm run bench:load: one interrogator under concurrent interrogateFast callers. First as many at a time as are waited for
 * (1, 8, 64), then calls that come at a fixed rate whether or not earlier ones were answered: half, and twice, of what the
 * device can sustain. Then what does not fit the queue must be refused, and what was accepted must not wait longer.
 */
import { markdownTable } from 'markdown-table';
import { main, title } from '../scripts/step.mjs';
import { CAPTION } from './bench.mjs';
import { modelCommand, wholeNumber } from './options.mjs';
import { configFor, openOurs } from './ours.mjs';
import { seconds, writeRows } from './rows.mjs';
import { openSession } from './session.mjs';
import { closedLoop, openLoop } from './traffic.mjs';

const CALLERS = [1, 8, 64];
const LOADS = [0.5, 2];

await main(async () => {
  const options = modelCommand('npm run bench:load --', 'Concurrent interrogateFast callers of one interrogator.')
    .option('--generate-captions', 'let every call make its caption; by default captions are given')
    .option('--seconds <n>', 'of each kind of traffic', wholeNumber(1), 10)
    .option('--max-queue <n>', 'calls that wait before one is refused', wholeNumber(1), 64)
    .option('--max-batch <n>', 'images that are merged into one pass', wholeNumber(1), 32)
    .parse()
    .opts();
  const { peer, prepared, options: settled, machine } = await openSession(options);
  await peer.stop();
  const { maxQueue, maxBatch } = options;
  title('Opening the interrogator');
  const interrogator = await openOurs({ ...configFor(prepared, settled), maxQueue, maxBatch });
  try {
    const rows = await measure(interrogator, prepared.images, options);
    console.log(`\n${options.device}, queue of ${maxQueue}, batches of ${maxBatch}; ${machine}\n`);
    print(rows);
    const told = rows.map((row) => ({ ...row, device: options.device, max_queue: maxQueue, max_batch: maxBatch, machine }));
    writeRows(options.json, told);
  } finally {
    await interrogator.dispose();
  }
});

async function measure(interrogator, images, { generateCaptions, maxQueue, seconds: duration }) {
  const settings = generateCaptions ? {} : { caption: CAPTION };
  const call = (number) => interrogator.interrogateFast(images[number % images.length], settings);
  await closedLoop(call, { callers: 8, seconds: Math.min(2, duration) });
  const rows = [];
  for (const callers of CALLERS) {
    title(`closed loop, ${callers} at a time`);
    rows.push({ name: `closed-${callers}`, ...(await closedLoop(call, { callers, seconds: duration })) });
  }
  const sustainable = Math.max(...rows.map(({ calls_per_s }) => calls_per_s));
  for (const load of LOADS) {
    title(`open loop, ${load} times the sustainable ${sustainable.toFixed(1)} calls a second`);
    // What is too much fills the queue first, and is refused only then.
    const filling = load > 1 ? maxQueue / ((load - 1) * sustainable) : 0;
    rows.push({ name: `open-${load}x`, ...(await openLoop(call, { rate: load * sustainable, seconds: Math.max(duration, 3 * filling) })) });
  }
  return rows;
}

function print(rows) {
  const header = ['traffic', 'offered', 'answered', 'refused (ERR_BUSY)', 'failed', 'calls/s', 'p50', 'p99', 'most'];
  const body = rows.map((row) => [
    row.name,
    ...[row.offered, row.answered, row.refused, row.failed].map(String),
    row.calls_per_s.toFixed(1),
    ...[row.p50_s, row.p99_s, row.most_s].map(seconds),
  ]);
  console.log(markdownTable([header, ...body], { align: ['l', ...Array(header.length - 1).fill('r')] }));
  const failure = rows.find(({ first_failure }) => first_failure)?.first_failure;
  if (failure) console.log(`- the first failure: ${failure}`);
}
