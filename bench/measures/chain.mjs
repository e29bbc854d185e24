/** One step of the chain: every candidate after a caption, and the best of them. */
import { StepError } from '../../scripts/step.mjs';
import { toleranceOf } from '../agreement.mjs';
import { CAPTION } from '../bench.mjs';
import { textsFlops } from '../limits.mjs';
import { secondsOf } from '../sampling.mjs';

export const CANDIDATES = 2048;
export const PEER_CANDIDATES = 128;
/** So low that the step's winner is always the answer. */
const LOWEST = -1;

export const chainStep = {
  name: 'chain-step',
  async plan(bench) {
    const { phrases, part } = await candidates(bench);
    await sameWinner(bench, part);
    const flops = await stepFlops(bench, phrases, CAPTION);
    return {
      unit: `s per step of ${phrases.length} candidates`,
      note: 'the candidates are those that quota ranking gives for the image; tokenising and the tree included',
      peerNote: part.length < phrases.length && `${part.length} of the candidates, scaled`,
      ours: () => secondsOf(() => oneStep(bench, phrases)),
      peer: async () => (await peerSecondsPerText(bench, part)) * textsOfStep(phrases.length),
      limit: (rates) => flops / rates.flops,
    };
  },
};

/** Those that quota ranking gives for the image, and what of them the peer is measured on. */
export async function candidates(bench) {
  const ranking = { path: bench.image, table: 'merged', top: CANDIDATES, reverse: false };
  const phrases = [...new Set(await bench.peer.call('rank_table', ranking))];
  return { phrases, part: bench.partFor(phrases, PEER_CANDIDATES) };
}

export function oneStep({ ours, features }, phrases) {
  return ours.chain(features, phrases, { bestPrompt: CAPTION, bestSimilarity: LOWEST, minCount: 1, maxCount: 1 });
}

/** The peer encodes every candidate, and the winner once more. */
export function textsOfStep(candidates) {
  return candidates + 1;
}

export async function peerSecondsPerText({ peer, image }, phrases) {
  const step = { path: image, phrases, prompt: CAPTION, similarity: LOWEST };
  return (await peer.seconds('chain', step)) / textsOfStep(phrases.length);
}

/** Of "prompt, phrase" for all phrases; with a null prompt of the phrases alone. */
export async function stepFlops({ peer, clip }, phrases, prompt) {
  const texts = prompt === null ? phrases : phrases.map((phrase) => `${prompt}, ${phrase}`);
  return textsFlops(await peer.call('tokens', { texts }), clip);
}

async function sameWinner(bench, phrases) {
  const { ours, peer, image, features, options } = bench;
  const mine = await oneStep(bench, phrases);
  const { result } = await peer.timed('chain', { path: image, phrases, prompt: CAPTION, similarity: LOWEST });
  if (mine === result) return;
  const [ourSimilarity, theirSimilarity] = await ours.similarities(features, [mine, result]);
  if (Math.abs(ourSimilarity - theirSimilarity) < toleranceOf(options).tie) return;
  throw new StepError(`The chain's step has another winner than the peer's.\nours: ${mine}\npeer: ${result}`);
}
