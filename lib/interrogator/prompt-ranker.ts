import type { Call } from '../engine/calls';
import type { Clip } from '../engine/clip';
import type { NativeFeatures, NativePromptTree } from '../native/types';
import type { ChainStep } from './chain';

/**
 * Finds the phrase that carries a prompt on best (reverse: worst). The phrases are tokenised once. Dispose of it: it keeps memory on the
 * device.
 */
export class PromptRanker implements Disposable {
  private constructor(
    private readonly clip: Clip,
    private readonly tree: NativePromptTree,
    private readonly features: NativeFeatures,
    private readonly phrases: readonly string[],
    private readonly tokens: readonly Int32Array[],
    /** The phrases whose cleaning (mojibake repair, HTML entities) may depend on what stands before them. */
    private readonly contextual: readonly number[],
    private readonly reverse: boolean,
    private readonly call: Call,
  ) {}

  /** `features`: the image's, 1 × embedDim. */
  static async create(
    clip: Clip,
    features: NativeFeatures,
    phrases: readonly string[],
    { reverse = false }: { reverse?: boolean },
    call: Call,
  ): Promise<PromptRanker> {
    const tokens = await clip.encodeBehind(phrases, call);
    const clean = await clip.splitCleanly(phrases, call);
    const contextual = [...phrases.keys()].filter((place) => !clean[place]);
    return new PromptRanker(clip, clip.tree(tokens), features, phrases, tokens, contextual, reverse, call);
  }

  [Symbol.dispose](): void {
    this.tree.close();
  }

  /** Ranks "prompt, phrase", or with a null prompt the phrases alone, over all phrases but the excluded; one must be left. */
  async best(prompt: string | null, excluded: readonly number[]): Promise<ChainStep> {
    const [prefix = new Int32Array()] = prompt === null ? [] : await this.clip.encodeAll([`${prompt},`], this.call);
    const joined = await this.joinedApart(prompt, prefix, excluded);
    const exclude = Int32Array.from([...excluded, ...joined.keys()]);
    const candidates: ChainStep[] = [];
    if (exclude.length < this.phrases.length) {
      const options = { exclude, reverse: this.reverse };
      candidates.push(await this.clip.use(this.call, () => this.tree.best(prefix, this.features, options, this.call.token)));
    }
    candidates.push(...(await this.similaritiesOf(joined)));
    const sign = this.reverse ? -1 : 1;
    return candidates.sort((a, b) => sign * (b.similarity - a.similarity) || a.index - b.index)[0] as ChainStep;
  }

  /** The phrases that tokenise differently after this prompt, or alone, with the tokens of the whole. */
  private async joinedApart(prompt: string | null, prefix: Int32Array, excluded: readonly number[]): Promise<Map<number, Int32Array>> {
    const used = new Set(excluded);
    const [isClean] = prompt === null ? [false] : await this.clip.splitCleanly([prompt], this.call);
    const places = [...(isClean ? this.contextual : this.phrases.keys())].filter((place) => !used.has(place));
    const texts = places.map((place) => `${prompt === null ? '' : `${prompt}, `}${this.phrases[place]}`);
    const apart = new Map<number, Int32Array>();
    for (const [i, whole] of (await this.clip.encodeAll(texts, this.call)).entries()) {
      const place = places[i] as number;
      if (!isConcatenation(whole, prefix, this.tokens[place] as Int32Array)) apart.set(place, whole);
    }
    return apart;
  }

  private async similaritiesOf(texts: Map<number, Int32Array>): Promise<ChainStep[]> {
    if (texts.size === 0) return [];
    using features = await this.clip.tokenFeatures([...texts.values()], this.call);
    const similarities = await features.similarity(this.features, this.call.token);
    return [...texts.keys()].map((index, i) => ({ index, similarity: similarities[i] as number }));
  }
}

function isConcatenation(whole: Int32Array, head: Int32Array, tail: Int32Array): boolean {
  if (whole.length !== head.length + tail.length) return false;
  return head.every((id, i) => whole[i] === id) && tail.every((id, i) => whole[head.length + i] === id);
}
