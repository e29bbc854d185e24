import { type CallOptions, callOptions, isA, NO_OPTIONS, textList, textOf } from '../arguments';
import { Config, type ConfigInput } from '../config';
import type { Call, Calls, OptionsCall } from '../engine/calls';
import type { EngineStats } from '../engine/engine';
import { Features, oneImage } from '../engine/features';
import { EngineOwner } from '../engine/owner';
import type { ImageInput } from '../image';
import type { LabelTable } from '../labels/label-table';
import { argmax } from './argmax';
import { type BatchResult, describeAll } from './batch';
import { describeModes } from './describe-modes';
import { type Fingerprints, fingerprintsOf } from './fingerprints';
import type { Modes } from './modes';
import {
  BatchOptions,
  CaptionedOptions,
  CaptionOptions,
  ChainCallOptions,
  CreateOptions,
  DescribeOptions,
  type Description,
  ImageOptions,
  InterrogateOptions,
  type Mode,
  type ModesAnswer,
  ModesOptions,
  NegativeOptions,
  RankTopOptions,
} from './options';
import type { Tables } from './tables';

/**
 * Writes the text prompt that would make an image like a given one, as clip-interrogator 0.6.0 does.
 * Images are given as a path, an encoded file's bytes, or raw pixels. Calls may run at the same time; those that wait
 * together share passes. Every long call takes `signal` and `onProgress` and rejects with an InterrogatorError:
 * ERR_IMAGE_* for an image that cannot be used, ERR_BUSY where the queue is full, ERR_DISPOSED after dispose(),
 * ERR_OUT_OF_MEMORY, ERR_INVALID_ARGUMENT; an abort rejects with an AbortError.
 */
export class Interrogator extends EngineOwner {
  private constructor(
    engine: EngineOwner['engine'],
    private readonly tables: Tables,
    private readonly modesOf: (call: Call) => Modes,
  ) {
    super(engine);
  }

  /**
   * Loads the models and the term lists. Label embeddings are made when first needed, or by prepare().
   * Throws ERR_CONFIG, ERR_MODEL_UNKNOWN, ERR_BUNDLE_*, ERR_WEIGHTS_*, ERR_TOKENIZER, ERR_NETWORK, ERR_IO, ERR_DEVICE, ERR_LIBTORCH_*,
   * ERR_ADDON_*, ERR_VOCABULARY_NOT_FOUND, ERR_OUT_OF_MEMORY; an AbortError. A name without a tag (`ViT-S-32/`) warns: UNTRAINED_WEIGHTS.
   */
  static async create(config?: Config | ConfigInput, options: CreateOptions = {}): Promise<Interrogator> {
    const checked = callOptions('create', options, CreateOptions);
    // Loaded here: the package itself is light.
    const { Engine } = require('../engine/engine') as typeof import('../engine/engine');
    const { Modes } = require('./modes') as typeof import('./modes');
    const { Tables } = require('./tables') as typeof import('./tables');
    const engine = await Engine.create(isA(config, Config) ? config : new Config(config), checked);
    try {
      const tables = await Tables.load(engine, checked);
      return new Interrogator(engine, tables, (call) => new Modes(engine, tables, call));
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

  /**
   * "by X" for every artist, then "inspired by X". This and the other tables throw ERR_VOCABULARY_NOT_FOUND where there is no such list.
   */
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

  /**
   * How the weights make a logit of a cosine similarity: scale × similarity + bias; null for what they do not have. Models with a bias
   * (SigLIP) were trained with a sigmoid, the others with softmax.
   */
  get logits(): { scale: number | null; bias: number | null } {
    return this.engine.clip.logits;
  }

  /** Tokens of a text that the CLIP model reads, without start and end: 75 of `ViT-L-14/openai`. */
  get contextTokens(): number {
    return this.engine.clip.contextTokens;
  }

  /** What runs and waits, what became of the calls so far, and what the device did for them. */
  stats(): EngineStats {
    return this.engine.stats();
  }

  /** Makes the embeddings of all tables now, or finds them in the cache. */
  async prepare(options: CallOptions = {}): Promise<void> {
    await this.calls.run('prepare', options, NO_OPTIONS, async (call) => {
      for (const table of this.tables.all) await table.prepareWithin(call);
    });
  }

  /**
   * Best mode: grows a prompt from the caption term by term, and returns that, the classic, the fast one or the caption, whichever is
   * most similar.
   */
  async interrogate(image: ImageInput, options: InterrogateOptions = {}): Promise<string> {
    return this.calls.run('interrogate', options, InterrogateOptions, (call) => this.prompt(image, 'best', call));
  }

  /** Classic mode: "caption, medium artist, trending, movement, flavors". */
  async interrogateClassic(image: ImageInput, options: CaptionedOptions = {}): Promise<string> {
    return this.calls.run('interrogateClassic', options, CaptionedOptions, (call) => this.prompt(image, 'classic', call));
  }

  /** Fast mode: the caption and the terms most similar to the image. */
  async interrogateFast(image: ImageInput, options: CaptionedOptions = {}): Promise<string> {
    return this.calls.run('interrogateFast', options, CaptionedOptions, (call) => this.prompt(image, 'fast', call));
  }

  /** Negative mode: the terms least similar to the image, to be used as a negative prompt. */
  async interrogateNegative(image: ImageInput, options: NegativeOptions = {}): Promise<string> {
    return this.calls.run('interrogateNegative', options, NegativeOptions, (call) => this.prompt(image, 'negative', call));
  }

  /** Any mode, with the caption, the similarity of the prompt, and the time that it took. */
  async describe(image: ImageInput, options: DescribeOptions = {}): Promise<Description> {
    return this.calls.run('describe', options, DescribeOptions, (call) => this.description(image, call));
  }

  /**
   * Several modes in one pass over the image: it is decoded, captioned and encoded once, and not at all where its caption and its features
   * are given. Results equal those of describe() with each mode.
   */
  async describeModes(image: ImageInput, options: ModesOptions): Promise<ModesAnswer> {
    return this.calls.run('describeModes', options, ModesOptions, (call) => describeModes(this.engine, this.modesOf(call), image, call));
  }

  /**
   * What results depend on, as SHA-256 in hexadecimal digits: the CLIP model, the caption model (null without one), and the term lists that
   * are there. Equal digits on another machine mean equal models.
   */
  async fingerprints(options: CallOptions = {}): Promise<Fingerprints> {
    return this.calls.run('fingerprints', options, NO_OPTIONS, (call) => fingerprintsOf(this.engine, this.tables, call));
  }

  /** Tokens of the text as the CLIP model reads it, without start and end, uncut. Of `ViT-L-14/openai`, 75 fill the context. */
  async countTokens(text: string, options: CallOptions = {}): Promise<number> {
    return this.calls.run(
      'countTokens',
      options,
      NO_OPTIONS,
      async (call) => {
        const [ids] = await this.engine.clip.encodeAll([textOf('text', text)], call);
        return (ids as Int32Array).length;
      },
      { waits: true },
    );
  }

  /**
   * Describes many images, `concurrency` of them at a time, and yields a result or an error for each, in their order.
   * Images are asked for only as results are taken, and wait where the interrogator is busy. Leaving the loop, or the signal, stops what
   * runs.
   */
  async *interrogateBatch(
    images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
    options: BatchOptions = {},
  ): AsyncGenerator<BatchResult, void, undefined> {
    const { concurrency = 8, ...each } = callOptions('interrogateBatch', options, BatchOptions);
    const describe = (image: ImageInput, signal: AbortSignal): Promise<Description> =>
      this.calls.run('describe', { ...each, signal }, DescribeOptions, (call) => this.description(image, call), { waits: true });
    yield* describeAll(images, { ...each, concurrency: Math.min(concurrency, this.calls.most) }, describe);
  }

  /** The caption model's caption. Throws ERR_CAPTION_MODEL_MISSING where captionModelName is null. */
  async generateCaption(image: ImageInput, options: CaptionOptions = {}): Promise<string> {
    return this.calls.run('generateCaption', options, CaptionOptions, async (call) => {
      const { captioner } = this.engine;
      using decoded = await this.engine.decode(image, call);
      return await captioner.caption(decoded, call, call.options);
    });
  }

  /** Unit-length image features, 1 × embedDim. */
  async imageToFeatures(image: ImageInput, options: ImageOptions = {}): Promise<Features> {
    return this.calls.run('imageToFeatures', options, ImageOptions, async (call) => {
      using decoded = await this.engine.decode(image, call);
      return new Features(this.engine, await this.engine.clip.imageFeatures(decoded, call));
    });
  }

  /** Unit-length text features, one row a text. A text longer than the context is cut as open_clip's tokenizer cuts it. */
  async textToFeatures(texts: string | readonly string[], options: CallOptions = {}): Promise<Features> {
    return this.calls.run('textToFeatures', options, NO_OPTIONS, async (call) => {
      const list = typeof texts === 'string' ? [texts] : textList('texts', texts, 1);
      return new Features(this.engine, await this.engine.clip.textFeatures(list, call, 'features'));
    });
  }

  /** The text most (reverse: least) similar to the image; the first among equals. */
  async rankTop(features: Features, texts: readonly string[], options: RankTopOptions = {}): Promise<string> {
    return this.calls.run('rankTop', options, RankTopOptions, async (call) => {
      const list = textList('texts', texts, 1);
      return list[argmax(await this.engine.clip.similarities(oneImage(features), list, call), call.options)] as string;
    });
  }

  /** Cosine similarity of the image and a text, -1 … 1. `features`: one row. */
  async similarity(features: Features, text: string, options: CallOptions = {}): Promise<number> {
    return this.calls.run('similarity', options, NO_OPTIONS, async (call) => {
      const [similarity] = await this.engine.clip.similarities(oneImage(features), [textOf('text', text)], call);
      return similarity as number;
    });
  }

  /** Cosine similarities of the image and each text. `features`: one row. */
  async similarities(features: Features, texts: readonly string[], options: CallOptions = {}): Promise<number[]> {
    return this.calls.run('similarities', options, NO_OPTIONS, async (call) => {
      return Array.from(await this.engine.clip.similarities(oneImage(features), textList('texts', texts, 1), call));
    });
  }

  /** Grows a prompt by the phrases that bring it nearest to the image, and returns the best one met. Repeated phrases count once. */
  async chain(features: Features, phrases: readonly string[], options: ChainCallOptions = {}): Promise<string> {
    return this.calls.run('chain', options, ChainCallOptions, async (call) => {
      return this.modesOf(call).chain(oneImage(features), textList('phrases', phrases), call.options);
    });
  }

  /** Ends what runs at its next step and rejects what waits, both with ERR_DISPOSED; then frees the models. May be called again. */
  async dispose(): Promise<void> {
    await this.engine.dispose();
    for (const table of this.tables.all) table.free();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  private get calls(): Calls {
    return this.engine.calls;
  }

  private async prompt(image: ImageInput, mode: Mode, call: OptionsCall<CaptionedOptions>): Promise<string> {
    using decoded = await this.engine.decode(image, call);
    const { prompt, features } = await this.modesOf(call).answer(decoded, { ...call.options, mode });
    features.close();
    return prompt;
  }

  private async description(image: ImageInput, call: OptionsCall<DescribeOptions>): Promise<Description> {
    const started = performance.now();
    using decoded = await this.engine.decode(image, call);
    const answer = await this.modesOf(call).answer(decoded, call.options);
    using features = answer.features;
    const [similarity] = await this.engine.clip.similarities(features, [answer.prompt], call);
    const seconds = (performance.now() - started) / 1000;
    const mark = decoded.isTruncated ? { truncated: true as const } : {};
    return { prompt: answer.prompt, caption: answer.caption, similarity: similarity as number, seconds, ...mark };
  }
}
