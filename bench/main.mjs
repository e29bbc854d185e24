/**
 * npm run bench: ours beside clip-interrogator 0.6.0 in Python, on the same weights and images, in turn, in one run.
 * Sets up what it needs, in build/bench. Prints a table; `--json FILE` writes the rows.
 */
import { writeFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { main, StepError, title } from '../scripts/step.mjs';
import { Bench } from './bench.mjs';
import { eventLoopRows } from './measures/event-loop.mjs';
import { selectable, selected } from './measures/index.mjs';
import { crowdRow, memoryRow } from './measures/processes.mjs';
import { modelCommand, wholeNumber } from './options.mjs';
import { printTable, rowOf, seconds } from './rows.mjs';
import { sampleInTurn } from './sampling.mjs';
import { openSession } from './session.mjs';

await main(async () => {
  const options = modelCommand('npm run bench --', 'Ours beside clip-interrogator 0.6.0, on the same weights and images.')
    .option('--only <names>', `some of ${selectable().join(', ')}`, measureNames)
    .option('--samples <n>', 'of each measure under a minute', wholeNumber(1), 5)
    .parse()
    .opts();
  const session = await openSession(options);
  const { peer, prepared, machine } = session;
  let bench;
  try {
    title('Opening both sides');
    bench = await Bench.open(peer, prepared, session.options);
    title(`Both sides agree: features differ by ${(await bench.agree()).toExponential(1)} at most`);
    const rows = [];
    try {
      await measureAll(bench, machine, rows);
    } finally {
      // Of a long run that failed, what was measured is kept.
      report(rows, options, machine);
    }
  } finally {
    await bench?.close();
    await peer.stop();
  }
});

function report(rows, { device, json }, machine) {
  if (rows.length === 0) return;
  console.log(`\n${device}; ${machine}\n`);
  printTable(rows);
  printDeviations(rows);
  if (json) writeFileSync(json, `${JSON.stringify(rows, null, 2)}\n`);
}

/** Adds to `rows` as it goes. */
async function measureAll(bench, machine, rows) {
  const { only, device } = bench.options;
  const where = { device, machine };
  const asked = (name) => !only || only.includes(name);
  for (const measure of selected(only)) {
    title(measure.name);
    const row = await measureOne(bench, measure, where);
    if (row) rows.push(row);
  }
  if (asked('event-loop')) {
    title('event-loop');
    rows.push(...(await eventLoopRows(bench, where)));
  }
  for (const [name, measure] of Object.entries({ memory: memoryRow, 'memory-100-callers': crowdRow })) {
    if (!asked(name)) continue;
    title(name);
    const row = await measure(bench, where);
    if (row) rows.push(row);
  }
  if (rows.length === 0) throw new StepError('Nothing was measured.');
}

async function measureOne(bench, measure, where) {
  const plan = measure.needsCaptioner && !bench.captioner ? { skipped: 'there is no caption model' } : await measure.plan(bench);
  if (plan.skipped) {
    process.stderr.write(`  left out: ${plan.skipped}\n`);
    return null;
  }
  try {
    const { samples } = bench.options;
    const taken = await sampleInTurn({ ...plan, machineRates: bench.machineRates, samples, onSample: printSample });
    return { ...rowOf({ ...plan, name: measure.name }, where, taken, plan.limit), ...plan.fields, ...plan.compare?.(taken) };
  } finally {
    await plan.end?.();
  }
}

function printSample({ number, count, ours, peer }) {
  process.stderr.write(`  ${number}/${count}: ${seconds(ours)}${peer === null ? '' : `, the peer ${seconds(peer)}`}\n`);
}

function printDeviations(rows) {
  for (const { name, from_linear: deviation } of rows.filter((row) => row.from_linear !== undefined)) {
    console.log(`- ${name}: ${(deviation * 100).toFixed(1)} % from linear`);
  }
}

function measureNames(text) {
  const list = text.split(',').filter(Boolean);
  const unknown = list.filter((name) => !selectable().includes(name));
  if (unknown.length > 0) throw new InvalidArgumentError(`there is no measure ${unknown.join(', ')}.`);
  return list;
}
