/** A prompt taken apart: what each of its terms has to do with the picture. */
import type { Features, Interrogator } from '../../index';

export interface PromptPart {
  text: string;
  /** Of this part alone and the picture, -1 … 1. */
  similarity: number;
  /** What the similarity of the prompt rose by when it came behind those before it. */
  gain: number;
}

/** The caption is one part, whatever commas it has; the first part's gain is its own similarity. */
export async function partsOf(
  interrogator: Interrogator,
  features: Features,
  prompt: string,
  caption: string | null,
  signal: AbortSignal,
): Promise<PromptPart[]> {
  const begins = caption && prompt.startsWith(caption) ? caption.length : 0;
  const texts: string[] = [];
  const prefixes: string[] = [];
  for (let from = 0, end = begins || prompt.length; from < prompt.length; from = end) {
    // The caption ends where it ends, everything else at the next comma.
    if (from > 0 || begins === 0) {
      const comma = prompt.indexOf(', ', from + 1);
      end = comma < 0 ? prompt.length : comma;
    }
    texts.push(prompt.slice(from, end).replace(/^,? /, ''));
    prefixes.push(prompt.slice(0, end));
  }
  if (texts.length === 0) return [];
  const similarities = await interrogator.similarities(features, [...texts, ...prefixes], { signal });
  return texts.map((text, place) => {
    const together = similarities[texts.length + place] as number;
    const before = place === 0 ? 0 : (similarities[texts.length + place - 1] as number);
    return { text, similarity: similarities[place] as number, gain: together - before };
  });
}
