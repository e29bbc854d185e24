/**
 * npm run bench:towers: every kind of tower and captioner at full size with seeded weights, beside the same model in open_clip or
 * transformers, in turn, in one run. Ends with an error where ours is less than LEAST_RATIO times as fast.
 */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { graphsCommand, openEngine, openGraph, readAnswers, readReducedGraph } from '../scripts/seeded-models.mjs';
import { main, title } from '../scripts/step.mjs';
import { absolute, namesOf, wholeNumber } from './options.mjs';
import { internal } from './ours.mjs';
import { prepareImages, WORK } from './prepare.mjs';
import { printTable, rowOf, seconds, writeRows } from './rows.mjs';
import { sampleInTurn } from './sampling.mjs';
import { openPeer } from './session.mjs';
import { MODELS } from './towers/models.mjs';
import { PLANS } from './towers/plans.mjs';
import { flavorTokens } from './towers/texts.mjs';

/** The least that the peer's seconds may be of ours. */
const LEAST_RATIO = 1.5;
const FOLDER = path.join(WORK, 'towers');

await main(async () => {
  const options = new Command('npm run bench:towers --')
    .description('Every kind of tower and captioner beside open_clip and transformers, on the same seeded weights.')
    .option(
      '--only <names>',
      `some of ${MODELS.map(({ name }) => name).join(', ')}`,
      namesOf('model', () => MODELS.map(({ name }) => name)),
    )
    .option('--samples <n>', 'of each row under a minute', wholeNumber(1), 5)
    .option('--threads <n>', 'CPU threads of both sides (default: what torch takes)', wholeNumber(1))
    .option('--json <file>', 'write the rows as JSON', absolute)
    .parse()
    .opts();
  const { peer, python, threads, machine } = await openPeer({ ...options, device: 'cpu' });
  const rows = [];
  let engine;
  try {
    engine = await openEngine({ threads });
    const bench = { engine, peer, python, samples: options.samples, images: await prepareImages(peer), texts: await flavorTokens(peer) };
    for (const model of MODELS.filter(({ name }) => options.only?.includes(name) ?? true)) {
      for await (const row of rowsOf(model, bench)) rows.push({ ...row, machine });
    }
  } finally {
    // Of a long run that failed, what was measured is kept.
    if (rows.length > 0) {
      console.log(`\n${machine}\n`);
      printTable(rows);
      writeRows(options.json, rows);
    }
    await engine?.dispose();
    await peer.stop();
  }
  const slow = rows.filter(({ ratio }) => ratio < LEAST_RATIO);
  for (const { name, ratio } of slow) console.log(`- ${name}: ${ratio.toFixed(2)}×, less than ${LEAST_RATIO}×`);
  return slow.length > 0 ? 1 : 0;
});

/** The rows of one model, whose weights are there meanwhile. */
async function* rowsOf({ name, measures, depth, readsPadding, kind }, bench) {
  const { engine, peer, python, samples } = bench;
  title(`${name}: ${kind}`);
  const folder = path.join(FOLDER, name);
  try {
    const cut = depth === undefined ? [] : ['--depth', String(depth)];
    const fail = `The weights of ${name} could not be made.`;
    await graphsCommand(python, ['reference', name, '--out', FOLDER, ...cut], fail);
    const graph = depth === undefined ? await internal('bundles/graph').readGraph(name) : readReducedGraph(folder);
    const model = await openGraph(engine, name, graph, path.join(folder, readAnswers(folder).weights));
    try {
      await peer.call('open_tower', { name, folder });
      for (const measure of measures) {
        for (const planOf of PLANS[measure]) {
          const { part, ...plan } = await planOf({ ...bench, model, graph, readsPadding });
          const taken = await sampleInTurn({ ...plan, machineRates: () => peer.call('machine_rates', { device: 'cpu' }), samples });
          const row = rowOf({ ...plan, note: noteOf(kind, depth, plan.note) }, taken);
          process.stderr.write(`  ${part}: ${seconds(row.ours_s)}, the peer ${seconds(row.peer_s)}, ${row.ratio.toFixed(2)}×\n`);
          yield { name: `${name} ${part}`, device: 'cpu', model: name, part, ...row, ...plan.fields };
        }
      }
    } finally {
      await model.close();
      await peer.call('close_tower');
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function noteOf(kind, depth, note) {
  return [kind, depth && `cut to ${depth} layers in each part, at full width`, note].filter(Boolean).join('; ');
}
