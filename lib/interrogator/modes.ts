/** The five ways to describe an image, as parts of one running call. */

import type { Call } from '../engine/calls';
import type { Engine } from '../engine/engine';
import type { HeldImage } from '../engine/held-image';
import type { TableName } from '../labels/label-store';
import type { LabelTable } from '../labels/label-table';
import type { NativeFeatures } from '../native/types';
import { argmax } from './argmax';
import { chain } from './chain';
import type { ChainCallOptions, DescribeOptions, Mode, ModesAnswer, TermTable } from './options';
import { classicPrompt, fastPrompt, truncateToFit } from './prompt';
import { PromptRanker } from './prompt-ranker';
import { MERGED, type Tables } from './tables';

/** In the order of a prompt. */
const TERM_TABLES: readonly TermTable[] = ['mediums', 'artists', 'trendings', 'movements', 'flavors'];

export class Modes {
  constructor(
    private readonly engine: Engine,
    private readonly tables: Tables,
    private readonly call: Call,
  ) {}

  /** The caption is null in negative mode, which has none. The features are the image's, to be closed. */
  async answer(image: HeldImage, settings: DescribeOptions) {
    const { mode = 'best' } = settings;
    this.requireTerms([mode]);
    const caption = mode === 'negative' ? null : settings.caption || (await this.engine.captioner.caption(image, this.call));
    const features = await this.engine.clip.imageFeatures(image, this.call);
    // Nothing more is made of it, and what follows may take long.
    image.close();
    return { prompt: await this.prompt(features, caption, { ...settings, mode }), caption, features };
  }

  /** A list that is missing is an error before anything is computed. */
  requireTerms(modes: readonly Mode[]): void {
    for (const mode of modes) {
      const needed: readonly TableName[] = mode === 'negative' ? ['flavors', 'negative'] : mode === 'caption' ? [] : MERGED;
      for (const name of needed) this.tables.get(name);
    }
  }

  /** The best terms of each table that there is. */
  async terms(features: NativeFeatures, count: number): Promise<ModesAnswer['terms']> {
    const terms: ModesAnswer['terms'] = {};
    if (count === 0) return terms;
    for (const name of TERM_TABLES) {
      if (this.tables.has(name)) terms[name] = await this.tables.get(name).rankWithin(this.call, features, count);
    }
    return terms;
  }

  /** `caption`: null in negative mode alone, which does not look at it. */
  async prompt(features: NativeFeatures, caption: string | null, options: DescribeOptions): Promise<string> {
    const { mode, minFlavors, maxFlavors = mode === 'classic' ? 3 : 32 } = options;
    if (mode === 'negative' || caption === null) return this.negative(features, maxFlavors);
    if (mode === 'caption') return caption;
    if (mode === 'fast') return this.fast(features, caption, maxFlavors);
    if (mode === 'classic') return this.classic(features, caption, maxFlavors);
    return this.best(features, caption, minFlavors, maxFlavors);
  }

  /** chain() over real text: repeated phrases count once, at their first place. */
  async chain(features: NativeFeatures, phrases: readonly string[], options: ChainCallOptions): Promise<string> {
    const distinct = [...new Set(phrases)];
    const stage = options.description ?? 'chain';
    using ranker = await PromptRanker.create(this.engine.clip, features, distinct, options, this.call);
    return await chain({
      ...options,
      phrases: distinct,
      corrected: this.engine.corrected,
      next: (prompt, used) => ranker.best(prompt, used),
      fillsContext: (prompt) => this.engine.clip.fillsContext(prompt, this.call),
      onStep: (done, total, prompt) => this.call.report({ stage, done, total, prompt }),
    });
  }

  private async best(features: NativeFeatures, caption: string, minCount: number | undefined, maxCount: number): Promise<string> {
    const { clip, config } = this.engine;
    const terms = await this.top(this.tables.merged, features, config.flavorIntermediateCount);
    const [bestSimilarity] = await clip.similarities(features, [caption], this.call);
    const candidates = [
      caption,
      await this.classic(features, caption, maxCount),
      await this.fast(features, caption, maxCount),
      await this.chain(features, terms, { bestPrompt: caption, bestSimilarity, minCount, maxCount }),
    ];
    return candidates[argmax(await clip.similarities(features, candidates, this.call))] as string;
  }

  private async fast(features: NativeFeatures, caption: string, maxFlavors: number): Promise<string> {
    return this.truncate(fastPrompt(caption, await this.top(this.tables.merged, features, maxFlavors)));
  }

  private async classic(features: NativeFeatures, caption: string, maxFlavors: number): Promise<string> {
    const top = (name: TableName, count = 1): Promise<string[]> => this.top(this.tables.get(name), features, count);
    const flavors = await top('flavors', maxFlavors);
    const [medium = ''] = await top('mediums');
    const [artist = ''] = await top('artists');
    const [trending = ''] = await top('trendings');
    const [movement = ''] = await top('movements');
    return this.truncate(classicPrompt(caption, { medium, artist, trending, movement, flavors }));
  }

  private async negative(features: NativeFeatures, maxFlavors: number): Promise<string> {
    const { flavorIntermediateCount } = this.engine.config;
    const least = await this.top(this.tables.get('flavors'), features, flavorIntermediateCount, true);
    const phrases = [...least, ...this.tables.get('negative').labels];
    return this.chain(features, phrases, { maxCount: maxFlavors, reverse: true });
  }

  private async top(table: LabelTable, features: NativeFeatures, count: number, reverse = false): Promise<string[]> {
    return (await table.rankWithin(this.call, features, count, reverse)).map(({ label }) => label);
  }

  private truncate(prompt: string): Promise<string> {
    return truncateToFit(prompt, (text) => this.engine.clip.fillsContext(text, this.call), this.engine.corrected);
  }
}
