import { type CallOptions, callOptions, textList } from '../arguments';
import { type Config, type ConfigInput, toConfig } from '../config';
import { Engine } from '../engine/engine';
import { Features, oneImage } from '../engine/features';
import { EngineOwner } from '../engine/owner';
import { encodeAll, packTokens } from '../engine/tokens';
import type { ImageInput } from '../image';
import type { LabelTable } from '../labels/label-table';
import { argmax } from './argmax';
import { type BatchResult, describeAll } from './batch';
import { type Answer, type ModeSettings, Modes } from './modes';
import {
  BATCH,
  type BatchOptions,
  CAPTIONED,
  type CaptionedOptions,
  CHAIN,
  type ChainCallOptions,
  DESCRIBE,
  type DescribeOptions,
  type Description,
  IMAGE,
  type ImageOptions,
  INTERROGATE,
  type InterrogateOptions,
  NEGATIVE,
  type NegativeOptions,
  RANK_TOP,
  type RankTopOptions,
} from './options';
import { Tables } from './tables';

type CheckedOptions = ModeSettings & CallOptions;

/**
 * Writes the text prompt that would make an image like a given one, as clip-interrogator 0.6.0 does.
 * Images are given as a path, an encoded file's bytes, or raw pixels. Calls may run at the same time; those that wait
 * together share passes. Every long call takes `signal` and `onProgress` and rejects with an InterrogatorError:
 * ERR_IMAGE_* for an image that cannot be used, ERR_BUSY where the queue is full, ERR_DISPOSED after dispose(),
 * ERR_OUT_OF_MEMORY, ERR_INVALID_ARGUMENT; an abort rejects with an AbortError.
 */
export class Interrogator extends EngineOwner {
  private constructor(
    engine: Engine,
    private readonly tables: Tables,
    private readonly modes: Modes,
  ) {
    super(engine);
  }

  /**
   * Loads the models and the term lists. Label embeddings are made when first needed, or by prepare().
   * Throws ERR_CONFIG, ERR_MODEL_UNKNOWN, ERR_BUNDLE_*, ERR_DEVICE, ERR_LIBTORCH_*, ERR_ADDON_*, ERR_VOCABULARY_NOT_FOUND.
   */
  static async create(config?: Config | ConfigInput, options: CallOptions = {}): Promise<Interrogator> {
    const checked = callOptions('create', options, {});
    const engine = await Engine.create(toConfig(config), checked);
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
    await this.engine.call(callOptions('prepare', options, {}), async (call) => {
      for (const table of this.tables.all) await table.prepareWithin(call);
    });
  }

  /** Best mode: grows a prompt from the caption term by term, and returns that, the classic, the fast one or the caption, whichever is most similar. */
  async interrogate(image: ImageInput, options: InterrogateOptions = {}): Promise<string> {
    return (await this.answer(image, { ...callOptions('interrogate', options, INTERROGATE), mode: 'best' })).prompt;
  }

  /** Classic mode: "caption, medium artist, trending, movement, flavors". */
  async interrogateClassic(image: ImageInput, options: CaptionedOptions = {}): Promise<string> {
    return (await this.answer(image, { ...callOptions('interrogateClassic', options, CAPTIONED), mode: 'classic' })).prompt;
  }

  /** Fast mode: the caption and the terms most similar to the image. */
  async interrogateFast(image: ImageInput, options: CaptionedOptions = {}): Promise<string> {
    return (await this.answer(image, { ...callOptions('interrogateFast', options, CAPTIONED), mode: 'fast' })).prompt;
  }

  /** Negative mode: the terms least similar to the image, to be used as a negative prompt. */
  async interrogateNegative(image: ImageInput, options: NegativeOptions = {}): Promise<string> {
    return (await this.answer(image, { ...callOptions('interrogateNegative', options, NEGATIVE), mode: 'negative' })).prompt;
  }

  /** Any mode, with the caption, the similarity of the prompt, and the time that it took. */
  async describe(image: ImageInput, options: DescribeOptions = {}): Promise<Description> {
    return this.describeAs(image, callOptions('describe', options, DESCRIBE));
  }

  /**
   * Describes many images, `concurrency` of them at a time, and yields a result or an error for each, in their order.
   * Images are asked for only as results are taken. Leaving the loop, or the signal, stops what runs.
   */
  async *interrogateBatch(
    images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
    options: BatchOptions = {},
  ): AsyncGenerator<BatchResult, void, undefined> {
    const checked = callOptions('interrogateBatch', options, BATCH);
    const describe = (image: ImageInput, signal: AbortSignal): Promise<Description> => this.describeAs(image, { ...checked, signal });
    yield* describeAll(images, checked, describe, this.engine.mostCalls);
  }

  /** The caption model's caption. Throws ERR_CAPTION_MODEL_MISSING where captionModelName is null. */
  async generateCaption(image: ImageInput, options: ImageOptions = {}): Promise<string> {
    const checked = callOptions('generateCaption', options, IMAGE);
    return this.engine.call(checked, async (call) => {
      using decoded = await this.engine.decode(image, checked);
      return await this.modes.caption(decoded, call);
    });
  }

  /** Unit-length image features, 1 × embedDim. */
  async imageToFeatures(image: ImageInput, options: ImageOptions = {}): Promise<Features> {
    const checked = callOptions('imageToFeatures', options, IMAGE);
    return this.engine.call(checked, async (call) => {
      using decoded = await this.engine.decode(image, checked);
      return new Features(this.engine, await this.modes.features(decoded, call));
    });
  }

  /** Unit-length text features, one row a text. A text longer than the context is cut as open_clip's tokenizer cuts it. */
  async textToFeatures(texts: string | readonly string[], options: CallOptions = {}): Promise<Features> {
    const list = typeof texts === 'string' ? [texts] : textList('texts', texts, 1);
    return this.engine.call(callOptions('textToFeatures', options, {}), async (call) => {
      const tokens = packTokens(await encodeAll(this.engine.clipTokenizer, list, call.signal));
      const report = (done: number, total: number): void => call.report({ stage: 'features', done, total });
      const features = await this.engine.withClip(call, () => this.engine.clip.textFeatures(tokens, call.token, report));
      return new Features(this.engine, features);
    });
  }

  /** The text most (reverse: least) similar to the image; the first among equals. */
  async rankTop(features: Features, texts: readonly string[], options: RankTopOptions = {}): Promise<string> {
    const { reverse, ...call } = callOptions('rankTop', options, RANK_TOP);
    const list = textList('texts', texts, 1);
    return list[argmax(await this.similaritiesOf(features, list, call), { reverse })] as string;
  }

  /** Cosine similarity of the image and a text, -1 … 1. `features`: one row. */
  async similarity(features: Features, text: string, options: CallOptions = {}): Promise<number> {
    const [similarity] = await this.similaritiesOf(features, textList('text', [text], 1), callOptions('similarity', options, {}));
    return similarity as number;
  }

  /** Cosine similarities of the image and each text. `features`: one row. */
  async similarities(features: Features, texts: readonly string[], options: CallOptions = {}): Promise<number[]> {
    const call = callOptions('similarities', options, {});
    return Array.from(await this.similaritiesOf(features, textList('texts', texts, 1), call));
  }

  /** Grows a prompt by the phrases that bring it nearest to the image, and returns the best one met. Repeated phrases count once. */
  async chain(features: Features, phrases: readonly string[], options: ChainCallOptions = {}): Promise<string> {
    const { description: stage, ...settings } = callOptions('chain', options, CHAIN);
    const native = oneImage(features);
    const list = textList('phrases', phrases);
    return this.engine.call(settings, (call) => this.modes.chain(native, list, { ...settings, stage }, call));
  }

  /** Waits for the native job that runs, rejects all others with ERR_DISPOSED, frees the models. May be called again. */
  dispose(): Promise<void> {
    return this.engine.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  private answer(image: ImageInput, options: CheckedOptions): Promise<Answer> {
    return this.engine.call(options, async (call) => {
      using decoded = await this.engine.decode(image, options);
      return await this.modes.answer(decoded, options, call);
    });
  }

  private async describeAs(image: ImageInput, options: CheckedOptions): Promise<Description> {
    const started = performance.now();
    return this.engine.call(options, async (call) => {
      using decoded = await this.engine.decode(image, options);
      const { prompt, caption, features } = await this.modes.answer(decoded, options, call);
      const [similarity] = await this.modes.similarities(features, [prompt], call);
      return { prompt, caption, similarity: similarity as number, seconds: (performance.now() - started) / 1000 };
    });
  }

  private async similaritiesOf(features: Features, texts: readonly string[], options: CallOptions): Promise<Float32Array> {
    const native = oneImage(features);
    return this.engine.call(options, (call) => this.modes.similarities(native, texts, call));
  }
}
