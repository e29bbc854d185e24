/**
 * npm run bench:loading: the same models from exported bundles, which hold their weights, and from graphs with a publisher's files. Each
 * load is a process of its own, the two sides in turn, files in the page cache.
 */
import path from 'node:path';
import { markdownTable } from 'markdown-table';
import { main, title } from '../scripts/step.mjs';
import { modelCommand, wholeNumber } from './options.mjs';
import { library } from './ours.mjs';
import { seconds, writeRows } from './rows.mjs';
import { median } from './sampling.mjs';
import { startModule } from './serve.mjs';
import { openSession } from './session.mjs';

/** The most that may be in memory while loading, as a part of what is there after it. */
const PEAK_LIMIT = 1.3;
/** The most that loading from a graph may take, as a part of the time that an exported bundle takes, in a median of pairs. */
const TIME_LIMIT = 1;

await main(async () => {
  const options = modelCommand('npm run bench:loading --', 'Loading from exported bundles beside loading from graphs and weights.')
    .option('--samples <n>', 'of each side', wholeNumber(1), 5)
    .parse()
    .opts();
  const { peer, prepared, machine } = await openSession(options);
  await peer.stop();
  const { clip, caption } = prepared;
  title('Importing the same weights');
  const imported = {
    clip: (await library().importModel('clip', options.model.split('/')[0], clip.checkpoint, { out: path.join(clip.folder, 'imported') }))
      .folder,
    caption:
      caption &&
      (await library().importModel('caption', options.caption, caption.checkpoint, { out: path.join(caption.folder, 'imported') })).folder,
  };
  const sides = { bundle: { clip: clip.bundle, caption: caption?.bundle ?? null }, graph: imported };
  const taken = { bundle: [], graph: [] };
  title('Loading');
  for (const side of ['bundle', 'graph']) await load(sides[side], options);
  for (let sample = 0; sample < options.samples; sample += 1) {
    const order = sample % 2 === 0 ? ['bundle', 'graph'] : ['graph', 'bundle'];
    for (const side of order) taken[side].push(await load(sides[side], options));
    process.stderr.write(
      `  ${sample + 1}/${options.samples}: ${order.map((side) => `${side} ${seconds(taken[side].at(-1).open_s)}`).join(', ')}\n`,
    );
  }
  const rows = Object.entries(taken).map(([side, samples]) => rowOf(side, samples, machine));
  const ratio = median(taken.graph.map(({ open_s: mine }, i) => mine / taken.bundle[i].open_s));
  print(rows, ratio);
  writeRows(
    options.json,
    rows.map((row) => ({ ...row, graph_over_bundle: ratio })),
  );
  const peak = rows.find(({ name }) => name === 'graph').peak_over_resident;
  return ratio <= TIME_LIMIT && peak <= PEAK_LIMIT ? 0 : 1;
});

/** One load in a new process: seconds to open both models, and memory in bytes. */
async function load({ clip, caption }, { device, threads }) {
  const process = startModule('loading-process.mjs');
  try {
    return await process.call('open', { clipModelName: clip, captionModelName: caption, device, threads: threads ?? 0 });
  } finally {
    await process.stop();
  }
}

function rowOf(side, samples, machine) {
  const middle = (field) => median(samples.map((sample) => sample[field]));
  return {
    name: side,
    open_s: middle('open_s'),
    models_s: middle('models_s'),
    peak: middle('peak'),
    resident: middle('resident'),
    peak_over_resident: median(samples.map(({ peak, resident }) => peak / resident)),
    samples: samples.length,
    machine,
  };
}

function print(rows, ratio) {
  const megabytes = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;
  const body = rows.map((row) => [
    row.name,
    seconds(row.open_s),
    seconds(row.models_s),
    megabytes(row.peak),
    megabytes(row.resident),
    row.peak_over_resident.toFixed(2),
  ]);
  console.log(markdownTable([['weights from', 'ready', 'without hashing', 'peak', 'resident after it', 'peak / resident'], ...body]));
  console.log(`- graph / bundle, time until ready: ${ratio.toFixed(3)}, may be ${TIME_LIMIT}; peak / resident may be ${PEAK_LIMIT}`);
}
