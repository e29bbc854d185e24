/** Ours in one clone, for `builds.mjs`: a process that opens that clone's own bench and runs its measures when told. A line of JSON each way. */
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [root, given] = process.argv.slice(2);
const options = JSON.parse(given);
// What the clone's set-up prints is no answer.
const answer = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);

const module = (name) => import(pathToFileURL(path.join(root, 'bench', name)).href);
const { openSession } = await module('session.mjs');
const { Bench } = await module('bench.mjs');
const { selected } = await module('measures/index.mjs');

const session = await openSession(options);
const bench = await Bench.open(session.peer, session.prepared, session.options);
const plans = new Map();

const COMMANDS = {
  async plan({ measure: name }) {
    const [measure] = selected([name]);
    if (!measure || (measure.needsCaptioner && !bench.captioner)) return { skipped: true };
    const plan = await measure.plan(bench);
    if (!plan.skipped) plans.set(name, plan);
    return { skipped: plan.skipped ?? false, unit: plan.unit };
  },
  async run({ measure, number }) {
    return { seconds: await plans.get(measure).ours(number) };
  },
  async end({ measure }) {
    await plans.get(measure)?.end?.();
    plans.delete(measure);
    return {};
  },
};

answer(`${JSON.stringify({ machine: session.machine })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...given } = JSON.parse(line);
  const result = await COMMANDS[command](given).catch((error) => ({ error: error.message }));
  answer(`${JSON.stringify(result)}\n`);
}
await bench.close();
await session.peer.stop();
