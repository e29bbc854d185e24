/** That both sides compute the same thing. A comparison of two different things is worthless, so each of these throws. */
import { StepError } from '../scripts/step.mjs';

/** Of float32, and of CUDA's float16 weights. */
const TOLERANCE = { cpu: 1e-4, cuda: 1e-2 };

export function sameNumbers(what, ours, theirs, { device }) {
  const tolerance = TOLERANCE[device.split(':')[0]];
  const difference = ours.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i])), 0);
  if (ours.length === theirs.length && difference <= tolerance) return difference;
  throw new StepError(`${what}: ours and the peer's differ by ${difference}, more than ${tolerance}. The measure would mean nothing.`);
}

export function same(what, ours, theirs) {
  if (ours === theirs) return;
  throw new StepError(`${what}: ours and the peer's differ. The measure would mean nothing.\nours: ${ours}\npeer: ${theirs}`);
}

/** Prompts of ranked terms: nine terms in ten are the same, which leaves room for those that tie. */
export function samePrompt(what, ours, theirs) {
  const [mine, other] = [ours, theirs].map((prompt) => new Set(prompt.split(', ')));
  const shared = [...mine].filter((term) => other.has(term)).length;
  if (shared >= 0.9 * Math.max(mine.size, other.size)) return;
  same(what, ours, theirs);
}
