/** Ours in one clone, for `builds.mjs`: opens that clone's own bench and runs its measures when told. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { serve } from './serve.mjs';

let selected;
let bench;
let plan;

await serve({
  /** What was measured with what, in a line. */
  async open({ root, options }) {
    process.chdir(root);
    const module = (name) => import(pathToFileURL(path.join(root, 'bench', name)).href);
    ({ selected } = await module('measures/index.mjs'));
    const session = await (await module('session.mjs')).openSession(options);
    bench = await (await module('bench.mjs')).Bench.open(session.peer, session.prepared, session.options);
    return session.machine;
  },

  async plan({ measure: name }) {
    const [measure] = selected([name]);
    if (!measure?.plan || (measure.needsCaptioner && !bench.captioner)) return { skipped: true };
    plan = await measure.plan(bench);
    return { unit: plan.unit };
  },

  run: ({ number }) => plan.ours(number),

  async end() {
    await plan.end?.();
  },
});
