/**
 * node bench/builds.mjs OTHER: this clone's build beside another clone's, measure by measure, in turn, in one run. Each
 * side runs its own bench on what it exported itself; both must be set up.
 */
import path from 'node:path';
import { markdownTable } from 'markdown-table';
import { main, ROOT, StepError, title } from '../scripts/step.mjs';
import { selected } from './measures/index.mjs';
import { modelCommand, wholeNumber } from './options.mjs';
import { seconds, writeRows } from './rows.mjs';
import { median } from './sampling.mjs';
import { startModule } from './serve.mjs';

/** All that have a plan, which is what can be run in turn. */
const MEASURES = selected().flatMap(({ name, plan }) => (plan ? [name] : []));
/** The least seconds of one sample, and the most runs that fill it. */
const SAMPLE_SECONDS = 0.3;
const MOST_RUNS = 10;

/** `ratio` is the median of the pairs' ratios: both of a pair saw the same machine. */
async function compare(name, builds, samples) {
  const plans = [];
  for (const ask of builds) plans.push(await ask('plan', { measure: name }));
  if (plans.some(({ skipped }) => skipped)) {
    process.stderr.write(`  left out\n`);
    return null;
  }
  const counters = [0, 0];
  const run = (i) => builds[i]('run', { number: counters[i]++ });
  const warm = [await run(0), await run(1)];
  const repeats = Math.max(1, Math.min(MOST_RUNS, Math.ceil(SAMPLE_SECONDS / Math.min(...warm))));
  const taken = [[], []];
  for (let sample = 0; sample < samples; sample += 1) {
    // The one that goes first takes turns too.
    const order = sample % 2 === 0 ? [0, 1] : [1, 0];
    const runs = [[], []];
    for (let i = 0; i < repeats; i += 1) for (const side of order) runs[side].push(await run(side));
    for (const side of order) taken[side].push(median(runs[side]));
    process.stderr.write(`  ${sample + 1}/${samples}: ${taken.map((each) => seconds(each.at(-1))).join(', the other ')}\n`);
  }
  for (const ask of builds) await ask('end');
  const [ours, other] = taken;
  const ratio = median(ours.map((mine, i) => mine / other[i]));
  return { name, this_s: median(ours), other_s: median(other), ratio, unit: plans[0].unit, this_samples_s: ours, other_samples_s: other };
}

await main(async () => {
  const command = modelCommand('node bench/builds.mjs', 'Two builds in turn, in one run.')
    .argument('<other>', 'the folder of another clone that is set up')
    .option('--only <names>', 'some of the measures', (text) => text.split(','), MEASURES)
    .option('--samples <n>', 'of each measure', wholeNumber(1), 7)
    .parse();
  const { only, samples, json, ...options } = command.opts();
  const roots = [ROOT, path.resolve(command.args[0])];
  const processes = roots.map(() => startModule('build-process.mjs', { echo: true }));
  const builds = processes.map(
    (process, i) => (call, given) =>
      process.call(call, given).catch((error) => {
        throw new StepError(`The build in ${roots[i]}: ${error.message}`);
      }),
  );
  const rows = [];
  try {
    title('Opening both builds');
    const opened = builds.map((ask, i) => ask('open', { root: roots[i], options: { samples: 1, ...options } }));
    const [machine] = await Promise.all(opened);
    for (const name of only) {
      title(name);
      const row = await compare(name, builds, samples);
      if (row) rows.push({ ...row, machine });
    }
  } finally {
    for (const process of processes) await process.stop();
  }
  const body = rows.map((row) => [row.name, seconds(row.this_s), seconds(row.other_s), row.ratio.toFixed(3), row.unit]);
  console.log(markdownTable([['name', 'this', 'the other', 'this / other', 'unit'], ...body]));
  writeRows(json, rows);
});
