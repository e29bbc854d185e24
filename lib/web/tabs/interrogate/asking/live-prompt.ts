/** A prompt that grows while its chain runs. */
import type { ProgressData } from '../../../../server/contract/interrogate';

export interface LivePart {
  text: string;
  /** What the similarity rose by when it came; null of what the prompt began from. */
  gain: number | null;
}

export interface LivePrompt {
  parts: readonly LivePart[];
  similarity: number | null;
}

/** The prompt after a report: what it had keeps its gain, what is new shares what the similarity rose by. */
export function growth(before: LivePrompt | null, { prompt, similarity }: ProgressData): LivePrompt | null {
  if (!prompt) return before;
  const texts = prompt.split(', ');
  const old = before?.parts ?? [];
  const kept = texts.findIndex((text, i) => old[i]?.text !== text);
  const same = old.slice(0, kept === -1 ? texts.length : kept);
  const added = texts.slice(same.length);
  const rise = before?.similarity != null && similarity !== undefined ? similarity - before.similarity : null;
  const gain = rise === null || added.length === 0 ? null : rise / added.length;
  return { parts: [...same, ...added.map((text) => ({ text, gain }))], similarity: similarity ?? before?.similarity ?? null };
}
