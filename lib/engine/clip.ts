/** The CLIP model of an interrogator: images and texts to features, and the trees that chains walk. Owns tokenizer and packing. */
import { type Bundle, type ClipManifest, tokenizerFolder } from '../bundles/bundle';
import { tokenizerFault } from '../bundles/tokenizers';
import type { NativeClipModel, NativeFeatures, NativePromptTree, NativeTokenLists } from '../native/types';
import { ClipTokenizer } from '../tokenizer';
import { isLong, type LongTextAnswers } from '../tokenizer/long-texts';
import type { Call } from './calls';
import type { HeldImage } from './held-image';
import type { Residency } from './residency';
import { inTurns } from './turns';

export class Clip {
  private constructor(
    /** The model's, such as `ViT-L-14/openai`. */
    readonly name: string,
    private readonly model: NativeClipModel,
    private readonly tokenizer: ClipTokenizer,
    private readonly residency: Residency,
    private readonly text: ClipManifest['text'],
    private readonly corrected: boolean,
  ) {}

  static async load(
    bundle: Bundle<ClipManifest>,
    model: NativeClipModel,
    { residency, corrected }: { residency: Residency; corrected: boolean },
  ): Promise<Clip> {
    const { name, tokenizer: settings, text } = bundle.manifest;
    const tokenizer = await ClipTokenizer.load(tokenizerFolder(bundle), settings).catch((cause) => {
      throw tokenizerFault(bundle, cause);
    });
    return new Clip(name, model, tokenizer, residency, text, corrected);
  }

  /** The model's own logit of an image and a text is scale × cosine similarity + bias; null for what its weights do not have. */
  get logits(): { scale: number | null; bias: number | null } {
    return { scale: this.model.logitScale, bias: this.model.logitBias };
  }

  /** Tokens of a text that fill the context, without start and end. */
  get contextTokens(): number {
    const { contextLength, sotId } = this.text;
    return contextLength - (sotId === null ? 1 : 2);
  }

  /** Unit-length, 1 × embedDim. */
  async imageFeatures(image: HeldImage, call: Call): Promise<NativeFeatures> {
    call.report({ stage: 'features', done: 0, total: 1 });
    const features = await this.use(call, () => this.model.imageFeatures(image.native, call.token));
    call.report({ stage: 'features', done: 1, total: 1 });
    return features;
  }

  /** Unit-length, a row a text. A stage has its progress told, in texts. */
  async textFeatures(texts: readonly string[], call: Call, stage?: string): Promise<NativeFeatures> {
    return this.tokenFeatures(await this.encodeAll(texts, call), call, stage);
  }

  /** As textFeatures(), of texts that are tokens already. */
  tokenFeatures(tokens: readonly Int32Array[], call: Call, stage?: string): Promise<NativeFeatures> {
    const report = stage === undefined ? undefined : (done: number, total: number): void => call.report({ stage, done, total });
    return this.use(call, () => this.model.textFeatures(packTokens(tokens), call.token, report));
  }

  /** texts.length cosine similarities with the image. */
  async similarities(image: NativeFeatures, texts: readonly string[], call: Call): Promise<Float32Array> {
    using features = await this.textFeatures(texts, call);
    return await features.similarity(image, call.token);
  }

  /** A tree of phrases, given as tokens; close it. */
  tree(tokens: readonly Int32Array[]): NativePromptTree {
    return this.model.tree(packTokens(tokens));
  }

  /**
   * The token ids of the cleaned texts, without start and end, of any length. A thread makes those of long texts. The arrays are
   * shared: do not write to them.
   */
  encodeAll(texts: readonly string[], { signal }: Pick<Call, 'signal'>): Promise<Int32Array[]> {
    return this.askAll('encode', texts, signal);
  }

  /** The same of phrases behind a prompt. */
  encodeBehind(phrases: readonly string[], { signal }: Pick<Call, 'signal'>): Promise<Int32Array[]> {
    return this.askAll('encodeBehind', phrases, signal);
  }

  /** For each text whether it keeps its tokens behind a prompt: see ClipTokenizer.splitsCleanly(). */
  splitCleanly(texts: readonly string[], { signal }: Pick<Call, 'signal'>): Promise<boolean[]> {
    return this.askAll('splitsCleanly', texts, signal);
  }

  private askAll<K extends keyof LongTextAnswers>(
    wants: K,
    texts: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<LongTextAnswers[K][]> {
    const { tokenizer } = this;
    const ask = (text: string): LongTextAnswers[K] => tokenizer[wants](text) as LongTextAnswers[K];
    return inTurns(texts, signal, (text) => (isLong(text) ? tokenizer.longTexts.ask(wants, text, signal) : ask(text)));
  }

  /**
   * Whether a text takes up all of the context. The reference asks whether the last of the padded ids is not 0, which is always so for
   * towers that pad with something else, and never where the end token is 0; `corrected` counts tokens.
   */
  async fillsContext(text: string, call: Call): Promise<boolean> {
    const { padId, eotId } = this.text;
    const [ids] = await this.encodeAll([text], call);
    const isFull = (ids as Int32Array).length >= this.contextTokens;
    return this.corrected ? isFull : (isFull ? eotId : padId) !== 0;
  }

  /** Runs `work` while the model is on the device. */
  use<T>({ signal }: Call, work: () => Promise<T>): Promise<T> {
    return this.residency.use('clip', signal, work);
  }
}

/** Token ids of many texts as the seam takes them. */
export function packTokens(lists: readonly Int32Array[]): NativeTokenLists {
  const offsets = new Int32Array(lists.length + 1);
  for (const [i, list] of lists.entries()) offsets[i + 1] = (offsets[i] as number) + list.length;
  const ids = new Int32Array(offsets.at(-1) as number);
  for (const [i, list] of lists.entries()) ids.set(list, offsets[i] as number);
  return { ids, offsets };
}
