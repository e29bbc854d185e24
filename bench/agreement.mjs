/** That both sides compute the same thing. A comparison of two different things is worthless, so each of these throws. */
import { StepError, title } from '../scripts/step.mjs';

/** How far features may be apart, and similarities that may come out in either order: in float32, and in what has half its digits. */
const EXACT = { features: 1e-4, tie: 1e-5 };
const ROUNDED = { features: 1e-2, tie: 2e-3 };

export function toleranceOf(options) {
  return isExact(options) ? EXACT : ROUNDED;
}

function isExact({ device, imagePrecision = 'float32' }) {
  return device === 'cpu' && imagePrecision === 'float32';
}

/** Returns the greatest difference. */
export function sameNumbers(what, ours, theirs, options) {
  const { features } = toleranceOf(options);
  const difference = ours.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i])), 0);
  if (ours.length === theirs.length && difference <= features) return difference;
  throw new StepError(`${what}: ours and the peer's differ by ${difference}, more than ${features}. The measure would mean nothing.`);
}

export function same(what, ours, theirs) {
  if (ours === theirs) return;
  throw new StepError(`${what}: ours and the peer's differ. The measure would mean nothing.\nours: ${ours}\npeer: ${theirs}`);
}

/** What is chosen token by token or term by term. In half the digits choices that nearly tie turn out otherwise: said, not refused. */
export function sameChoice(what, ours, theirs, options) {
  if (ours === theirs) return;
  if (isExact(options)) same(what, ours, theirs);
  title(`${what}: in half the digits ours and the peer's differ\n  ours: ${ours}\n  peer: ${theirs}`);
}

/** Prompts of ranked terms: nine terms in ten are the same, which leaves room for those that tie. */
export function samePrompt(what, ours, theirs, options) {
  const [mine, other] = [ours, theirs].map((prompt) => new Set(prompt.split(', ')));
  const shared = [...mine].filter((term) => other.has(term)).length;
  if (shared < 0.9 * Math.max(mine.size, other.size)) sameChoice(what, ours, theirs, options);
}
