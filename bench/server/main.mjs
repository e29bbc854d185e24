/**
 * npm run bench:serve: the server under load, over loopback. The rate of fast mode at saturation beside that of the engine by itself; what
 * is refused, how soon, and how long accepted requests take where twice as much comes as the device can do; the event loop while
 * pictures of 12 megapixels are uploaded.
 */
import { readFileSync } from 'node:fs';
import { markdownTable } from 'markdown-table';
import { main, title } from '../../scripts/step.mjs';
import { CAPTION } from '../bench.mjs';
import { modelCommand, wholeNumber } from '../options.mjs';
import { configFor, openOurs } from '../ours.mjs';
import { writeRows } from '../rows.mjs';
import { median } from '../sampling.mjs';
import { openSession } from '../session.mjs';
import { closedLoop } from '../traffic.mjs';
import { largePictures } from './large-pictures.mjs';
import { Served } from './served.mjs';
import { FORMS, flood, saturate } from './traffic.mjs';

const CALLERS = 32;

await main(async () => {
  const options = modelCommand('npm run bench:serve --', 'The server under load.')
    .option('--generate-captions', 'let every request make its caption; by default captions are given')
    .option('--seconds <n>', 'of each kind of traffic', wholeNumber(1), 15)
    .option('--samples <n>', 'of both rates, in turn', wholeNumber(1), 3)
    .option('--max-wait <n>', 'seconds', wholeNumber(1), 5)
    .parse()
    .opts();
  const { peer, prepared, options: settled, machine } = await openSession(options);
  await peer.stop();
  const images = prepared.images.map((file) => readFileSync(file));
  const config = configFor(prepared, settled);
  const served = await Served.start(flagsFor(config, options));
  try {
    const rows = [
      await rates(served, config, images, options),
      await overload(served, images, options),
      await uploads(served, options),
    ].map((row) => ({ ...row, device: options.device, machine }));
    console.log(`\n${machine}\n`);
    for (const row of rows) print(row);
    writeRows(options.json, rows);
  } finally {
    await served.stop();
  }
});

function flagsFor(config, { maxWait, device }) {
  const paths = config.dataPath === null ? [] : ['--data-path', config.dataPath];
  return [
    ...['--clip', config.clipModelName, '--caption', config.captionModelName ?? 'none', '--device', device],
    ...['--cache-path', config.cachePath, '--threads', String(config.threads), '--image-precision', config.imagePrecision],
    // Every picture is a new one: nothing is to come out of the cache.
    ...['--cache', '0', '--max-wait', String(maxWait), ...paths],
  ];
}

/** Fast mode of pictures of 512 × 512, by the engine itself and by the server, in turn. */
async function rates(served, config, images, { seconds: duration, samples, generateCaptions }) {
  const wishes = generateCaptions ? {} : { caption: CAPTION };
  const interrogator = await openOurs(config);
  const engine = [];
  const server = [];
  try {
    await closedLoop((i) => interrogator.interrogateFast(images[i % images.length], wishes), { callers: CALLERS, seconds: 3 });
    await saturate(served, images, wishes, { callers: CALLERS, seconds: 3 });
    for (let sample = 0; sample < samples; sample += 1) {
      title(`rates, ${sample + 1} of ${samples}`);
      const call = (i) => interrogator.interrogateFast(images[i % images.length], wishes);
      engine.push((await closedLoop(call, { callers: CALLERS, seconds: duration })).calls_per_s);
      server.push((await saturate(served, images, wishes, { callers: CALLERS, seconds: duration })).calls_per_s);
    }
  } finally {
    await interrogator.dispose();
  }
  const [ours, itself] = [median(server), median(engine)];
  return {
    name: 'fast-rate',
    engine_per_s: itself,
    server_per_s: ours,
    ratio: ours / itself,
    captions: generateCaptions ? 'made' : 'given',
  };
}

async function overload(served, images, { seconds: duration, maxWait, generateCaptions }) {
  const wishes = generateCaptions ? {} : { caption: CAPTION };
  const { calls_per_s: sustainable } = await saturate(served, images, wishes, { callers: CALLERS, seconds: Math.min(10, duration) });
  title(`twice of ${sustainable.toFixed(1)} requests a second`);
  // The queue is full after so long; then comes what is measured.
  const filling = maxWait + 2;
  return {
    name: 'overload',
    max_wait_s: maxWait,
    ...(await flood(served, images, wishes, { rate: 2 * sustainable, seconds: filling + duration })),
  };
}

/** The event loop of the server while large pictures come in, as its own histogram has it. */
async function uploads(served, { seconds: duration }) {
  title('uploads of 12 megapixels');
  const pictures = await largePictures(12e6, 8);
  const row = { name: 'uploads-12mp', megabytes: pictures[0].length / 1e6 };
  for (const [form, send] of Object.entries(FORMS)) {
    await served.status();
    const end = performance.now() + duration * 500;
    let sent = 0;
    const caller = async () => {
      while (performance.now() < end) {
        const { status } = await send(served, pictures[sent++ % pictures.length]);
        if (status !== 200 && status !== 429) throw new Error(`an upload was answered with ${status}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, caller));
    const { process } = await served.status();
    row[`${form}_event_loop_p99_ms`] = process.eventLoopDelay;
    row[`${form}_uploads`] = sent;
  }
  return row;
}

function print({ name, device, machine: _, ...fields }) {
  const shown = Object.entries(fields).map(([field, value]) => [
    field,
    typeof value === 'number' ? String(Math.round(value * 1000) / 1000) : String(value),
  ]);
  console.log(`${name} (${device})\n\n${markdownTable([['figure', 'value'], ...shown], { align: ['l', 'r'] })}\n`);
}
