import { texts as checkedTexts, count, oneOf, optionalText, show } from '../arguments';
import { type Config, type ConfigInput, toConfig } from '../config';
import { type Call, type CallOptions, Engine } from '../engine/engine';
import { Features, oneImage } from '../engine/features';
import { encodeAll, packTokens } from '../engine/tokens';
import { InterrogatorError } from '../errors';
import { decodeImage, type ImageInput, type RgbImage } from '../image';
import type { LabelTable } from '../labels/label-table';
import { argmax } from './argmax';
import { type BatchOptions, type BatchResult, describeAll } from './batch';
import { type Answer, MODES, type Mode, type ModeSettings, Modes } from './modes';
import { Tables } from './tables';

export type { Mode } from './modes';

export interface CaptionedOptions extends CallOptions {
  /** Begin from this caption; without one, or with '', the caption model makes one. */
  caption?: string | null;
  /** Most terms, 0 and up. Default 32; classic mode 3. */
  maxFlavors?: number;
}

export interface InterrogateOptions extends CaptionedOptions {
  /** Terms that the chain takes even where similarity falls, 0 and up. Default 8. */
  minFlavors?: number;
}

export interface NegativeOptions extends CallOptions {
  /** Most terms, 0 and up. Default 32. */
  maxFlavors?: number;
}

export interface DescribeOptions extends InterrogateOptions {
  /** Default 'best'. */
  mode?: Mode;
}

export interface Description {
  prompt: string;
  /** What the prompt began from; null in negative mode. */
  caption: string | null;
  /** Cosine similarity of prompt and image, -1 … 1. */
  similarity: number;
  /** Wall time of the call. */
  seconds: number;
}

export interface RankTopOptions extends CallOptions {
  /** The least similar instead. Default false. */
  reverse?: boolean;
}

export interface ChainCallOptions extends CallOptions {
  /** What to begin from; '' begins with the best phrase. Default ''. */
  bestPrompt?: string;
  /** The similarity of bestPrompt and the image. Default 0. */
  bestSimilarity?: number;
  /** Steps that are kept even where similarity falls. Default 8. */
  minCount?: number;
  /** Most steps. Default 32. */
  maxCount?: number;
  /** Seek the least similar. Default false. */
  reverse?: boolean;
  /** The stage that onProgress is told. Default 'chain'. */
  description?: string;
}

/**
 * Writes the text prompt that would make an image like a given one, as clip-interrogator 0.6.0 does.
 * Images are given as a path, an encoded file's bytes, or raw pixels. Calls may run at the same time; those that wait
 * together share passes. Every long call takes `signal` and `onProgress` and rejects with an InterrogatorError:
 * ERR_IMAGE_* for an image that cannot be used, ERR_BUSY where the queue is full, ERR_DISPOSED after dispose(),
 * ERR_OUT_OF_MEMORY, ERR_INVALID_ARGUMENT; an abort rejects with an AbortError.
 */
export class Interrogator {
  private constructor(
    /** @internal */
    readonly engine: Engine,
    private readonly tables: Tables,
    private readonly modes: Modes,
  ) {}

  /**
   * Loads the models and the term lists. Label embeddings are made when first needed, or by prepare().
   * Throws ERR_CONFIG, ERR_MODEL_UNKNOWN, ERR_BUNDLE_*, ERR_DEVICE, ERR_LIBTORCH_*, ERR_ADDON_*, ERR_VOCABULARY_NOT_FOUND.
   */
  static async create(config?: Config | ConfigInput, options: CallOptions = {}): Promise<Interrogator> {
    const engine = await Engine.create(toConfig(config), options);
    try {
      const tables = await Tables.load(engine);
      return new Interrogator(engine, tables, new Modes(engine, tables));
    } catch (error) {
      await engine.dispose();
      throw error;
    }
  }

  get config(): Config {
    return this.engine.config;
  }

  /** The name in the CLIP bundle's manifest, such as `ViT-L-14/openai`. */
  get clipModelName(): string {
    return this.engine.clipBundle.manifest.name;
  }

  /** Numbers in one image's or text's features. */
  get embedDim(): number {
    return this.engine.clipBundle.manifest.embedDim;
  }

  /** "by X" for every artist, then "inspired by X". This and the other tables throw ERR_VOCABULARY_NOT_FOUND where there is no such list. */
  get artists(): LabelTable {
    return this.tables.get('artists');
  }

  get flavors(): LabelTable {
    return this.tables.get('flavors');
  }

  get mediums(): LabelTable {
    return this.tables.get('mediums');
  }

  get movements(): LabelTable {
    return this.tables.get('movements');
  }

  get trendings(): LabelTable {
    return this.tables.get('trendings');
  }

  /** Terms that negative mode adds to the least similar flavors. */
  get negative(): LabelTable {
    return this.tables.get('negative');
  }

  /** Makes the embeddings of all tables now, or finds them in the cache. */
  async prepare(options: CallOptions = {}): Promise<void> {
    await this.engine.call(options, async (call) => {
      for (const table of this.tables.all) await table.prepareWithin(call);
    });
  }

  /** Best mode: grows a prompt from the caption term by term, and returns that, the classic, the fast one or the caption, whichever is most similar. */
  async interrogate(image: ImageInput, options: InterrogateOptions = {}): Promise<string> {
    return (await this.answer(image, { ...options, mode: 'best' })).prompt;
  }

  /** Classic mode: "caption, medium artist, trending, movement, flavors". */
  async interrogateClassic(image: ImageInput, options: CaptionedOptions = {}): Promise<string> {
    return (await this.answer(image, { ...options, mode: 'classic' })).prompt;
  }

  /** Fast mode: the caption and the terms most similar to the image. */
  async interrogateFast(image: ImageInput, options: CaptionedOptions = {}): Promise<string> {
    return (await this.answer(image, { ...options, mode: 'fast' })).prompt;
  }

  /** Negative mode: the terms least similar to the image, to be used as a negative prompt. */
  async interrogateNegative(image: ImageInput, options: NegativeOptions = {}): Promise<string> {
    return (await this.answer(image, { ...options, mode: 'negative' })).prompt;
  }

  /** Any mode, with the caption, the similarity of the prompt, and the time that it took. */
  async describe(image: ImageInput, options: DescribeOptions = {}): Promise<Description> {
    const started = performance.now();
    const settings = modeSettings(options);
    return this.engine.call(options, async (call) => {
      const answer = await this.withImage(image, call, (decoded) => this.modes.answer(decoded, settings, call));
      const { prompt, caption, features } = answer;
      const [similarity] = await this.modes.similarities(features, [prompt], call);
      return { prompt, caption, similarity: similarity as number, seconds: (performance.now() - started) / 1000 };
    });
  }

  /**
   * Describes many images, `concurrency` of them at a time, and yields a result or an error for each, in their order.
   * Images are asked for only as results are taken. Leaving the loop, or the signal, stops what runs.
   */
  async *interrogateBatch(
    images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
    options: BatchOptions = {},
  ): AsyncGenerator<BatchResult, void, undefined> {
    const settings = modeSettings(options);
    const describe = (image: ImageInput, signal: AbortSignal): Promise<Description> =>
      this.describe(image, { ...settings, signal, onProgress: options?.onProgress });
    yield* describeAll(images, options ?? {}, describe, this.engine.mostCalls);
  }

  /** The caption model's caption. Throws ERR_CAPTION_MODEL_MISSING where captionModelName is null. */
  async generateCaption(image: ImageInput, options: CallOptions = {}): Promise<string> {
    return this.engine.call(options, (call) => this.withImage(image, call, (decoded) => this.modes.caption(decoded, call)));
  }

  /** Unit-length image features, 1 × embedDim. */
  async imageToFeatures(image: ImageInput, options: CallOptions = {}): Promise<Features> {
    return this.engine.call(options, async (call) => {
      return new Features(this.engine, await this.withImage(image, call, (decoded) => this.modes.features(decoded, call)));
    });
  }

  /** Unit-length text features, one row a text. A text longer than the context is cut as open_clip's tokenizer cuts it. */
  async textToFeatures(texts: string | readonly string[], options: CallOptions = {}): Promise<Features> {
    const list = checkedTexts('texts', typeof texts === 'string' ? [texts] : texts);
    return this.engine.call(options, async (call) => {
      const tokens = packTokens(await encodeAll(this.engine.clipTokenizer, list, call.signal));
      const report = (done: number, total: number): void => call.report({ stage: 'features', done, total });
      const features = await this.engine.withClip(call, () => this.engine.clip.textFeatures(tokens, call.token, report));
      return new Features(this.engine, features);
    });
  }

  /** The text most (reverse: least) similar to the image; the first among equals. */
  async rankTop(features: Features, texts: readonly string[], options: RankTopOptions = {}): Promise<string> {
    const similarities = await this.similarities(features, texts, options);
    return texts[argmax(similarities, options ?? {})] as string;
  }

  /** Cosine similarity of the image and a text, -1 … 1. `features`: one row. */
  async similarity(features: Features, text: string, options: CallOptions = {}): Promise<number> {
    return (await this.similarities(features, [text], options))[0] as number;
  }

  /** Cosine similarities of the image and each text. `features`: one row. */
  async similarities(features: Features, texts: readonly string[], options: CallOptions = {}): Promise<number[]> {
    const native = oneImage(features);
    const list = checkedTexts('texts', texts);
    return this.engine.call(options, async (call) => Array.from(await this.modes.similarities(native, list, call)));
  }

  /** Grows a prompt by the phrases that bring it nearest to the image, and returns the best one met. Repeated phrases count once. */
  async chain(features: Features, phrases: readonly string[], options: ChainCallOptions = {}): Promise<string> {
    const native = oneImage(features);
    const { bestPrompt, bestSimilarity, minCount, maxCount, reverse, description } = options ?? {};
    const settings = {
      bestPrompt: optionalText('bestPrompt', bestPrompt) ?? '',
      bestSimilarity: finite('bestSimilarity', bestSimilarity ?? 0),
      minCount: count('minCount', minCount, 8),
      maxCount: count('maxCount', maxCount, 32),
      reverse: reverse ?? false,
      stage: description ?? 'chain',
    };
    const list = Array.isArray(phrases) && phrases.length === 0 ? phrases : checkedTexts('phrases', phrases);
    return this.engine.call(options, (call) => this.modes.chain(native, list, settings, call));
  }

  /** Waits for the native job that runs, rejects all others with ERR_DISPOSED, frees the models. May be called again. */
  dispose(): Promise<void> {
    return this.engine.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  private async answer(image: ImageInput, options: DescribeOptions): Promise<Answer> {
    const settings = modeSettings(options);
    return this.engine.call(options, (call) => {
      return this.withImage(image, call, (decoded) => this.modes.answer(decoded, settings, call));
    });
  }

  /** The pixels are gone when the work is done. */
  private async withImage<T>(input: ImageInput, { signal }: Call, work: (image: RgbImage) => Promise<T>): Promise<T> {
    const image = await decodeImage(input, { signal });
    try {
      return await work(image);
    } finally {
      this.engine.freePixels(image);
    }
  }
}

function modeSettings(given: DescribeOptions | null): ModeSettings {
  const options = given ?? {};
  const mode = oneOf('mode', options.mode, 'best', MODES);
  return {
    mode,
    caption: optionalText('caption', options.caption),
    minFlavors: count('minFlavors', options.minFlavors, 8),
    maxFlavors: count('maxFlavors', options.maxFlavors, mode === 'classic' ? 3 : 32),
  };
}

function finite(name: string, value: number): number {
  if (Number.isFinite(value)) return value;
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${name}: got ${show(value)}, expected a number.`);
}
