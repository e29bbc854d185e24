/** Best and negative mode: ours in full, the peer by its cost a text. */
import { CAPTION } from '../bench.mjs';
import { median, secondsOf } from '../sampling.mjs';
import { CANDIDATES, candidates, PEER_CANDIDATES, peerSecondsPerText, stepFlops, textsOfStep } from './chain.mjs';

export const negative = {
  name: 'negative',
  async plan(bench) {
    const { ours, features, image } = bench;
    const least = await ours.flavors.rank(features, { topCount: CANDIDATES, reverse: true });
    const phrases = [...new Set([...least, ...ours.negative.labels])];
    const first = await stepFlops(bench, phrases, null);
    return chained(bench, {
      run: (onProgress) => ours.interrogateNegative(image, { onProgress }),
      phrases,
      // What the prompt begins with is ranked too, and its similarity computed.
      textsBefore: textsOfStep(phrases.length),
      flops: (steps) => (steps + 1) * first,
    });
  },
};

export const best = {
  name: 'best',
  async plan(bench) {
    const { ours, image } = bench;
    const { phrases } = await candidates(bench);
    const first = await stepFlops(bench, phrases, CAPTION);
    return chained(bench, {
      run: (onProgress) => ours.interrogate(image, { caption: CAPTION, onProgress }),
      phrases,
      textsBefore: 0,
      flops: (steps) => steps * first,
    });
  },
};

function chained(bench, { run, phrases, textsBefore, flops }) {
  const part = bench.partFor(phrases, PEER_CANDIDATES);
  let steps = 0;
  const plan = {
    unit: 's per image',
    ours: () =>
      secondsOf(async () => {
        const chainEvents = [];
        await run(({ stage, done, total }) => stage === 'chain' && chainEvents.push({ done, total, at: performance.now() }));
        steps = stepsOf(chainEvents);
        plan.note = `${steps} steps over ${phrases.length} phrases; the limit counts every step as the first`;
        plan.peerNote = `a step over ${part.length} candidates, scaled to all texts of the ${steps} steps; the rest of the mode is left out`;
      }),
    peer: async () => (await peerSecondsPerText(bench, part)) * (textsBefore + textsOfChain(phrases.length, steps)),
    limit: (rates) => flops(steps) / rates.flops,
  };
  return plan;
}

/** Every step has one candidate fewer. */
function textsOfChain(candidates, steps) {
  let texts = 0;
  for (let step = 0; step < steps; step += 1) texts += textsOfStep(candidates - step);
  return texts;
}

/**
 * Each kept step is reported, then the end. A last step that was not kept shows as the time between: a whole step's,
 * where a prompt that was full took none.
 */
export function stepsOf(events) {
  const kept = events.slice(0, -1);
  const end = events.at(-1);
  if (kept.length === 0 || kept.length === end.total) return Math.max(kept.length, 1);
  const gaps = kept.slice(1).map(({ at }, i) => at - kept[i].at);
  const typical = gaps.length > 0 ? median(gaps) : 0;
  return kept.length + (end.at - kept.at(-1).at > typical / 2 ? 1 : 0);
}
