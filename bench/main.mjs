/**
 * npm run bench: ours beside clip-interrogator 0.6.0 in Python, on the same weights and images, in turn, in one run.
 * Sets up what it needs, in build/bench. Prints a table; `--json FILE` writes the rows.
 */
import { main, StepError, title } from '../scripts/step.mjs';
import { Bench } from './bench.mjs';
import { selectable, selected } from './measures/index.mjs';
import { modelCommand, namesOf, wholeNumber } from './options.mjs';
import { printTable, rowOf, seconds, writeRows } from './rows.mjs';
import { sampleInTurn } from './sampling.mjs';
import { openSession } from './session.mjs';

await main(async () => {
  const { only, ...given } = modelCommand('npm run bench --', 'Ours beside clip-interrogator 0.6.0, on the same weights and images.')
    .option('--only <names>', `some of ${selectable().join(', ')}`, namesOf('measure', selectable))
    .option('--samples <n>', 'of each measure under a minute', wholeNumber(1), 5)
    .parse()
    .opts();
  const { peer, prepared, options, machine } = await openSession(given);
  const { device, json } = options;
  const rows = [];
  let bench;
  try {
    title('Opening both sides');
    bench = await Bench.open(peer, prepared, options);
    title(`Both sides agree: features differ by ${(await bench.agree()).toExponential(1)} at most`);
    for (const measure of selected(only)) {
      title(measure.name);
      if (measure.needsCaptioner && !bench.captioner) {
        process.stderr.write('  left out: there is no caption model\n');
        continue;
      }
      const measured = measure.plan ? [await rowOfPlan(bench, await measure.plan(bench))] : await measure.rows(bench);
      rows.push(...measured.map((row) => ({ name: measure.name, device, ...row, machine })));
    }
    if (rows.length === 0) throw new StepError('Nothing was measured.');
  } finally {
    // Of a long run that failed, what was measured is kept.
    if (rows.length > 0) {
      console.log(`\n${device}; ${machine}\n`);
      printTable(rows);
      writeRows(json, rows);
    }
    await bench?.ours.dispose();
    await peer.stop();
  }
});

async function rowOfPlan(bench, plan) {
  try {
    const taken = await sampleInTurn({ ...plan, machineRates: bench.machineRates, samples: bench.options.samples, onSample: printSample });
    return { ...rowOf(plan, taken), ...plan.fields, ...plan.compare?.(taken) };
  } finally {
    await plan.end?.();
  }
}

function printSample({ number, count, ours, peer }) {
  process.stderr.write(`  ${number}/${count}: ${seconds(ours)}${peer === null ? '' : `, the peer ${seconds(peer)}`}\n`);
}
