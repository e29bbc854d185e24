/** The five ways to describe an image, each as a part of one running call. */

import type { Call } from '../engine/calls';
import type { Engine } from '../engine/engine';
import type { HeldImage } from '../engine/held-image';
import type { TableName } from '../labels/label-store';
import type { LabelTable } from '../labels/label-table';
import type { NativeFeatures } from '../native/types';
import { argmax } from './argmax';
import { chain } from './chain';
import type { ChainCallOptions, DescribeOptions } from './options';
import { classicPrompt, fastPrompt, truncateToFit } from './prompt';
import { PromptRanker } from './prompt-ranker';
import { MERGED, type Tables } from './tables';

export interface Answer {
  prompt: string;
  /** Null in negative mode, which has none. */
  caption: string | null;
  /** The image's, to be closed. */
  features: NativeFeatures;
}

export class Modes {
  private readonly corrected: boolean;

  constructor(
    private readonly engine: Engine,
    private readonly tables: Tables,
  ) {
    this.corrected = engine.config.compat === 'corrected';
  }

  async answer(image: HeldImage, settings: DescribeOptions, call: Call): Promise<Answer> {
    const { mode = 'best' } = settings;
    // A list that is missing is an error before anything is computed.
    if (mode !== 'caption') this.tables.require(mode === 'negative' ? ['flavors', 'negative'] : MERGED);
    const caption = mode === 'negative' ? null : settings.caption || (await this.engine.captioner.caption(image, call));
    const features = await this.engine.clip.imageFeatures(image, call);
    // Nothing more is made of it, and what follows may take long.
    image.close();
    return { prompt: await this.prompt(features, caption, { ...settings, mode }, call), caption, features };
  }

  /** `caption`: null in negative mode alone. */
  private async prompt(
    features: NativeFeatures,
    caption: string | null,
    { mode, minFlavors, maxFlavors = mode === 'classic' ? 3 : 32 }: DescribeOptions,
    call: Call,
  ): Promise<string> {
    if (caption === null) return this.negative(features, maxFlavors, call);
    switch (mode) {
      case 'fast':
        return this.fast(features, caption, maxFlavors, call);
      case 'classic':
        return this.classic(features, caption, maxFlavors, call);
      case 'caption':
        return caption;
      default:
        return this.best(features, caption, { minCount: minFlavors, maxCount: maxFlavors }, call);
    }
  }

  /** chain() over real text: repeated phrases count once, at their first place. */
  async chain(features: NativeFeatures, phrases: readonly string[], options: ChainCallOptions, call: Call): Promise<string> {
    const distinct = [...new Set(phrases)];
    const stage = options.description ?? 'chain';
    using ranker = await PromptRanker.create(this.engine.clip, features, distinct, options, call);
    return await chain({
      ...options,
      phrases: distinct,
      corrected: this.corrected,
      next: (prompt, used) => ranker.best(prompt, used),
      fillsContext: (prompt) => this.engine.clip.fillsContext(prompt, call),
      onStep: (done, total, prompt) => call.report({ stage, done, total, prompt }),
    });
  }

  private async best(
    features: NativeFeatures,
    caption: string,
    counts: { minCount: number | undefined; maxCount: number },
    call: Call,
  ): Promise<string> {
    const { clip, config } = this.engine;
    const terms = await this.top(this.tables.merged, features, config.flavorIntermediateCount, call);
    const [bestSimilarity] = await clip.similarities(features, [caption], call);
    const candidates = [
      caption,
      await this.classic(features, caption, counts.maxCount, call),
      await this.fast(features, caption, counts.maxCount, call),
      await this.chain(features, terms, { ...counts, bestPrompt: caption, bestSimilarity }, call),
    ];
    return candidates[argmax(await clip.similarities(features, candidates, call))] as string;
  }

  private async fast(features: NativeFeatures, caption: string, maxFlavors: number, call: Call): Promise<string> {
    return this.truncate(fastPrompt(caption, await this.top(this.tables.merged, features, maxFlavors, call)), call);
  }

  private async classic(features: NativeFeatures, caption: string, maxFlavors: number, call: Call): Promise<string> {
    const top = (name: TableName, count = 1): Promise<string[]> => this.top(this.tables.get(name), features, count, call);
    const flavors = await top('flavors', maxFlavors);
    const [medium = ''] = await top('mediums');
    const [artist = ''] = await top('artists');
    const [trending = ''] = await top('trendings');
    const [movement = ''] = await top('movements');
    return this.truncate(classicPrompt(caption, { medium, artist, trending, movement, flavors }), call);
  }

  private async negative(features: NativeFeatures, maxFlavors: number, call: Call): Promise<string> {
    const { flavorIntermediateCount } = this.engine.config;
    const least = await this.top(this.tables.get('flavors'), features, flavorIntermediateCount, call, true);
    const phrases = [...least, ...this.tables.get('negative').labels];
    return this.chain(features, phrases, { maxCount: maxFlavors, reverse: true }, call);
  }

  private async top(table: LabelTable, features: NativeFeatures, count: number, call: Call, reverse = false): Promise<string[]> {
    return (await table.rankWithin(call, features, count, reverse)).map(({ label }) => label);
  }

  private truncate(prompt: string, call: Call): Promise<string> {
    return truncateToFit(prompt, (text) => this.engine.clip.fillsContext(text, call), this.corrected);
  }
}
