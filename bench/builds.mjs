/**
 * node bench/builds.mjs OTHER: this clone's build beside another clone's, measure by measure, in turn, in one run. Each
 * side runs its own bench on what it exported itself; both must be set up.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { markdownTable } from 'markdown-table';
import { main, ROOT, StepError, title } from '../scripts/step.mjs';
import { modelCommand, wholeNumber } from './options.mjs';
import { seconds } from './rows.mjs';
import { median } from './sampling.mjs';

const MEASURES = 'image-features,text-1000-labels,tokenize-107k,rank-flavors,chain-step,caption,fast,classic,throughput-fast-64,load'.split(
  ',',
);
/** The least seconds of one sample, and the most runs that fill it. */
const SAMPLE_SECONDS = 0.3;
const MOST_RUNS = 10;

/** `ratio` is the median of the pairs' ratios: both of a pair saw the same machine. */
async function compare(name, sides, samples) {
  const plans = [];
  for (const side of sides) plans.push(await side.call('plan', { measure: name }));
  if (plans.some(({ skipped }) => skipped)) {
    process.stderr.write(`  left out\n`);
    return null;
  }
  const counters = sides.map(() => 0);
  const run = async (i) => (await sides[i].call('run', { measure: name, number: counters[i]++ })).seconds;
  const warm = [await run(0), await run(1)];
  const repeats = Math.max(1, Math.min(MOST_RUNS, Math.ceil(SAMPLE_SECONDS / Math.min(...warm))));
  const taken = [[], []];
  for (let sample = 0; sample < samples; sample += 1) {
    // The one that goes first takes turns too.
    const order = sample % 2 === 0 ? [0, 1] : [1, 0];
    const sums = [[], []];
    for (let i = 0; i < repeats; i += 1) for (const side of order) sums[side].push(await run(side));
    for (const side of order) taken[side].push(median(sums[side]));
    process.stderr.write(`  ${sample + 1}/${samples}: ${taken.map((each) => seconds(each.at(-1))).join(', the other ')}\n`);
  }
  for (const side of sides) await side.call('end', { measure: name });
  const [ours, other] = taken;
  const ratio = median(ours.map((mine, i) => mine / other[i]));
  return { name, this_s: median(ours), other_s: median(other), ratio, unit: plans[0].unit, this_samples_s: ours, other_samples_s: other };
}

/** One build, in a process of its own, that answers one line with one line. */
class Side {
  #child;
  #answers;

  constructor(root, options) {
    this.#child = spawn(
      process.execPath,
      [path.join(ROOT, 'bench', 'build-process.mjs'), root, JSON.stringify({ samples: 1, ...options })],
      {
        cwd: root,
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    this.root = root;
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.opened = this.#next();
    this.opened.catch(() => {});
  }

  async call(command, given) {
    this.#child.stdin.write(`${JSON.stringify({ command, ...given })}\n`);
    return this.#next();
  }

  stop() {
    this.#child.stdin.end();
  }

  async #next() {
    const { value, done } = await this.#answers.next();
    if (done) throw new StepError(`The build in ${this.root} ended.`);
    const answer = JSON.parse(value);
    if (answer.error) throw new StepError(`The build in ${this.root}: ${answer.error}`);
    return answer;
  }
}

await main(async () => {
  const command = modelCommand('node bench/builds.mjs', 'Two builds in turn, in one run.')
    .argument('<other>', 'the folder of another clone that is set up')
    .option('--only <names>', 'some of the measures', (text) => text.split(','), MEASURES)
    .option('--samples <n>', 'of each measure', wholeNumber(1), 7)
    .parse();
  const { only, samples, json, ...options } = command.opts();
  const sides = [new Side(ROOT, options), new Side(path.resolve(command.args[0]), options)];
  const rows = [];
  try {
    title('Opening both builds');
    const machine = await sides[0].opened;
    await sides[1].opened;
    for (const name of only) {
      title(name);
      const row = await compare(name, sides, samples);
      if (row) rows.push({ ...row, machine: machine.machine });
    }
  } finally {
    for (const side of sides) side.stop();
  }
  console.log(
    markdownTable([
      ['name', 'this', 'the other', 'this / other', 'unit'],
      ...rows.map((row) => [row.name, seconds(row.this_s), seconds(row.other_s), row.ratio.toFixed(3), row.unit]),
    ]),
  );
  if (json) writeFileSync(json, `${JSON.stringify(rows, null, 2)}\n`);
});
