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

/** Which terms a prompt takes. */
interface Wanted {
  maxFlavors: number;
  /** In any case. */
  include: readonly string[];
  /** Those, which are not taken twice, and what is excluded. */
  without: ReadonlySet<string>;
}

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
    const caption = mode === 'negative' ? null : settings.caption || (await this.engine.captioner.caption(image, this.call, settings));
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
    const { mode, minFlavors, maxFlavors = mode === 'classic' ? 3 : 32, include = [], exclude = [] } = options;
    const wanted: Wanted = { maxFlavors, include, without: new Set([...include, ...exclude]) };
    if (mode === 'negative' || caption === null) return this.negative(features, wanted);
    if (mode === 'caption') return caption;
    if (mode === 'fast') return this.fast(features, caption, wanted);
    if (mode === 'classic') return this.classic(features, caption, wanted);
    return this.best(features, caption, minFlavors, wanted);
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
      onStep: (done, total, { prompt, similarity }) =>
        this.call.report({ stage, done, total, prompt, ...(similarity !== undefined && { similarity }) }),
    });
  }

  private async best(features: NativeFeatures, caption: string, minCount: number | undefined, wanted: Wanted): Promise<string> {
    const { clip, config } = this.engine;
    const terms = await this.top(this.tables.merged, features, config.flavorIntermediateCount, wanted);
    const beginning = [caption, ...wanted.include].join(', ');
    const [bestSimilarity] = await clip.similarities(features, [beginning], this.call);
    const candidates = [
      beginning,
      await this.classic(features, caption, wanted),
      await this.fast(features, caption, wanted),
      await this.chain(features, terms, { bestPrompt: beginning, bestSimilarity, minCount, maxCount: left(wanted) }),
    ];
    return candidates[argmax(await clip.similarities(features, candidates, this.call))] as string;
  }

  private async fast(features: NativeFeatures, caption: string, wanted: Wanted): Promise<string> {
    const terms = await this.top(this.tables.merged, features, left(wanted), wanted);
    return this.truncate(fastPrompt(caption, [...wanted.include, ...terms]));
  }

  private async classic(features: NativeFeatures, caption: string, wanted: Wanted): Promise<string> {
    const top = (name: TableName, count = 1): Promise<string[]> => this.top(this.tables.get(name), features, count, wanted);
    const flavors = [...wanted.include, ...(await top('flavors', left(wanted)))];
    const [medium = ''] = await top('mediums');
    const [artist = ''] = await top('artists');
    const [trending = ''] = await top('trendings');
    const [movement = ''] = await top('movements');
    return this.truncate(classicPrompt(caption, { medium, artist, trending, movement, flavors }));
  }

  private async negative(features: NativeFeatures, wanted: Wanted): Promise<string> {
    const { flavorIntermediateCount } = this.engine.config;
    const least = await this.top(this.tables.get('flavors'), features, flavorIntermediateCount, wanted, true);
    const phrases = [...least, ...this.tables.get('negative').labels].filter((phrase) => !wanted.without.has(phrase));
    const bestPrompt = wanted.include.join(', ');
    const [bestSimilarity] = bestPrompt ? await this.engine.clip.similarities(features, [bestPrompt], this.call) : [];
    // A longer prompt has to be less similar, not more similar than it would be if that were negated.
    const score = bestSimilarity === undefined ? {} : { bestSimilarity: -bestSimilarity };
    return this.chain(features, phrases, { bestPrompt, ...score, maxCount: left(wanted), reverse: true });
  }

  /** So many more are ranked as may have to be left out. */
  private async top(table: LabelTable, features: NativeFeatures, count: number, { without }: Wanted, reverse = false): Promise<string[]> {
    if (count === 0) return [];
    const ranked = await table.rankWithin(this.call, features, count + without.size, reverse);
    const labels = ranked.map(({ label }) => label);
    return without.size === 0 ? labels : labels.filter((label) => !without.has(label)).slice(0, count);
  }

  private truncate(prompt: string): Promise<string> {
    return truncateToFit(prompt, (text) => this.engine.clip.fillsContext(text, this.call), this.engine.corrected);
  }
}

/** Terms beside those that are included. */
function left({ maxFlavors, include }: Wanted): number {
  return Math.max(0, maxFlavors - include.length);
}
