/** The chain: growing a prompt phrase by phrase, by clip-interrogator 0.6.0's rules. */

import type { CallOptions } from '../arguments';
import type { ChainCallOptions } from './options';

export interface ChainStep {
  /** Into the phrases. */
  index: number;
  /** Of "prompt, phrase" and the image, -1 … 1, never negated. */
  similarity: number;
}

export interface ChainOptions extends Omit<ChainCallOptions, keyof CallOptions | 'description'> {
  /** Distinct. */
  phrases: readonly string[];
  /** The phrase to carry `prompt` on with; a null prompt asks for the one to begin with. `used`: indices no longer in play. */
  next: (prompt: string | null, used: readonly number[]) => Promise<ChainStep>;
  corrected: boolean;
  /** A prompt that can take no more. */
  fillsContext: (prompt: string) => Promise<boolean>;
  /** `best`: what was met so far, and its similarity. */
  onStep?: (done: number, total: number, best: Best) => void;
}

interface Best {
  prompt: string;
  score: number;
  similarity: number | undefined;
}

/** The best prompt that was met on the way. '' where there is nothing to begin with. */
export async function chain(options: ChainOptions): Promise<string> {
  const { phrases, next, bestPrompt, bestSimilarity = 0, minCount = 8, maxCount = 32, reverse, corrected } = options;
  const used: number[] = [];
  // Scores are negated under reverse, so that more is always better.
  // Under reverse what was given is a score, as in the reference, and may be a similarity or its negative.
  let current: Best = { prompt: bestPrompt ?? '', score: bestSimilarity, similarity: reverse ? undefined : bestSimilarity };
  if (!bestPrompt) {
    if (phrases.length === 0) return '';
    const { index, similarity } = await next(null, used);
    used.push(index);
    // The reference does not negate this first similarity, so in reverse hardly any longer prompt beats it.
    current = { prompt: phrases[index] as string, score: reverse && corrected ? -similarity : similarity, similarity };
  }
  let best = current;
  for (let step = 0; step < maxCount && used.length < phrases.length; step += 1) {
    const { index, similarity } = await next(current.prompt, used);
    const longer = { prompt: `${current.prompt}, ${phrases[index]}`, score: reverse ? -similarity : similarity, similarity };
    if (longer.score > best.score) best = longer;
    const kept = longer.score > current.score || step < minCount;
    if (!kept) break;
    current = longer;
    options.onStep?.(step + 1, maxCount, best);
    if (await options.fillsContext(current.prompt)) break;
    used.push(index);
  }
  options.onStep?.(maxCount, maxCount, best);
  return best.prompt;
}
