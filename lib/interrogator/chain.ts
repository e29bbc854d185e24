/** The chain: growing a prompt phrase by phrase, by clip-interrogator 0.6.0's rules. */

export interface ChainStep {
  index: number;
  similarity: number;
}

export interface ChainOptions {
  /** Distinct. */
  phrases: readonly string[];
  /** The phrase to carry `prompt` on with; a null prompt asks for the one to begin with. `used`: indices no longer in play. */
  next: (prompt: string | null, used: readonly number[]) => Promise<ChainStep>;
  /** What to begin from; '' begins with the best phrase. */
  bestPrompt: string;
  bestSimilarity: number;
  /** Steps that are kept even where similarity falls. */
  minCount: number;
  /** Most steps. */
  maxCount: number;
  /** Seek the least similar. */
  reverse: boolean;
  corrected: boolean;
  /** A prompt that can take no more. */
  fillsContext: (prompt: string) => Promise<boolean>;
  /** `prompt`: the best that was met so far. */
  onStep?: (done: number, total: number, prompt: string) => void;
}

interface Scored {
  prompt: string;
  /** Negated under reverse, so that more is always better. */
  score: number;
}

/** The best prompt that was met on the way. '' where there is nothing to begin with. */
export async function chain(options: ChainOptions): Promise<string> {
  const { phrases, next, reverse, minCount, maxCount } = options;
  const used: number[] = [];
  const begun = await begin(options, used);
  if (!begun) return '';
  let best = begun;
  let current = begun;
  for (let step = 0; step < maxCount && used.length < phrases.length; step += 1) {
    const { index, similarity } = await next(current.prompt, used);
    const longer = { prompt: `${current.prompt}, ${phrases[index]}`, score: reverse ? -similarity : similarity };
    if (longer.score > best.score) best = longer;
    const kept = longer.score > current.score || step < minCount;
    if (!kept) break;
    current = longer;
    options.onStep?.(step + 1, maxCount, best.prompt);
    if (await options.fillsContext(current.prompt)) break;
    used.push(index);
  }
  options.onStep?.(maxCount, maxCount, best.prompt);
  return best.prompt;
}

async function begin(options: ChainOptions, used: number[]): Promise<Scored | undefined> {
  const { phrases, next, bestPrompt, bestSimilarity, reverse, corrected } = options;
  if (bestPrompt) return { prompt: bestPrompt, score: bestSimilarity };
  if (phrases.length === 0) return undefined;
  const { index, similarity } = await next(null, used);
  used.push(index);
  // The reference does not negate this first similarity, so in reverse hardly any longer prompt beats it.
  return { prompt: phrases[index] as string, score: reverse && corrected ? -similarity : similarity };
}
