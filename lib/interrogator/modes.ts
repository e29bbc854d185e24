/** The five ways to describe an image, each as a part of one running call. */

import type { Call } from '../engine/calls';
import type { Engine } from '../engine/engine';
import type { HeldImage } from '../engine/held-image';
import type { RankedLabel } from '../labels/label-table';
import type { NativeFeatures } from '../native/types';
import { argmax } from './argmax';
import { chain } from './chain';
import type { Mode } from './options';
import { classicPrompt, fastPrompt, truncateToFit } from './prompt';
import { PromptRanker } from './prompt-ranker';
import { MERGED, type Tables } from './tables';

/** Begins from the caption; without one, or with '', a caption is generated, as in the reference. */
export interface ModeSettings {
  mode: Mode;
  caption?: string;
  /** Default 8. */
  minFlavors?: number;
  /** Default 32; classic mode 3. */
  maxFlavors?: number;
}

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

  async answer(image: HeldImage, settings: ModeSettings, call: Call): Promise<Answer> {
    // A list that is missing is an error before anything is computed.
    if (settings.mode !== 'caption') this.tables.require(settings.mode === 'negative' ? ['flavors', 'negative'] : MERGED);
    const { mode, minFlavors = 8, maxFlavors = mode === 'classic' ? 3 : 32 } = settings;
    if (mode === 'negative') {
      const features = await this.features(image, call);
      return { prompt: await this.negative(features, maxFlavors, call), caption: null, features };
    }
    const caption = settings.caption || (await this.engine.captioner.caption(image, call));
    const features = await this.features(image, call);
    switch (mode) {
      case 'best':
        return { prompt: await this.best(features, caption, { minFlavors, maxFlavors }, call), caption, features };
      case 'fast':
        return { prompt: await this.fast(caption, await this.mergedTop(features, maxFlavors, call), call), caption, features };
      case 'classic':
        return { prompt: await this.classic(features, caption, maxFlavors, call), caption, features };
      case 'caption':
        return { prompt: caption, caption, features };
    }
  }

  /** 1 × embedDim. The last that is made of an image, which is closed: what follows may take long. */
  private async features(image: HeldImage, call: Call): Promise<NativeFeatures> {
    const features = await this.engine.clip.imageFeatures(image, call);
    image.close();
    return features;
  }

  /** chain() over real text: repeated phrases count once, at their first place. */
  async chain(
    features: NativeFeatures,
    phrases: readonly string[],
    settings: { bestPrompt: string; bestSimilarity: number; minCount: number; maxCount: number; reverse: boolean; stage: string },
    call: Call,
  ): Promise<string> {
    const distinct = [...new Set(phrases)];
    const { reverse, stage } = settings;
    using ranker = await PromptRanker.create(this.engine.clip, features, distinct, { reverse }, call);
    return await chain({
      ...settings,
      phrases: distinct,
      corrected: this.corrected,
      next: (prompt, used) => ranker.best(prompt, used, call),
      fillsContext: (prompt) => this.engine.clip.fillsContext(prompt, call),
      onStep: (done, total, prompt) => call.report({ stage, done, total, prompt }),
    });
  }

  private async best(
    features: NativeFeatures,
    caption: string,
    { minFlavors, maxFlavors }: { minFlavors: number; maxFlavors: number },
    call: Call,
  ): Promise<string> {
    const terms = await this.mergedTop(features, this.engine.config.flavorIntermediateCount, call);
    const [captionSimilarity] = await this.engine.clip.similarities(features, [caption], call);
    const chained = await this.chain(
      features,
      terms,
      {
        bestPrompt: caption,
        bestSimilarity: captionSimilarity as number,
        minCount: minFlavors,
        maxCount: maxFlavors,
        reverse: false,
        stage: 'chain',
      },
      call,
    );
    const fast = await this.fast(caption, await this.mergedTop(features, maxFlavors, call), call);
    const candidates = [caption, await this.classic(features, caption, maxFlavors, call), fast, chained];
    const similarities = await this.engine.clip.similarities(features, candidates, call);
    return candidates[argmax(similarities)] as string;
  }

  private fast(caption: string, terms: readonly string[], call: Call): Promise<string> {
    return this.truncate(fastPrompt(caption, terms), call);
  }

  private async classic(features: NativeFeatures, caption: string, maxFlavors: number, call: Call): Promise<string> {
    const top = (name: 'mediums' | 'artists' | 'trendings' | 'movements'): Promise<string> =>
      this.tables
        .get(name)
        .rankWithin(call, features, 1)
        .then(([first]) => first?.label ?? '');
    const flavors = await this.tables.get('flavors').rankWithin(call, features, maxFlavors);
    const terms = {
      medium: await top('mediums'),
      artist: await top('artists'),
      trending: await top('trendings'),
      movement: await top('movements'),
      flavors: labelsOf(flavors),
    };
    return this.truncate(classicPrompt(caption, terms), call);
  }

  private async negative(features: NativeFeatures, maxFlavors: number, call: Call): Promise<string> {
    const { flavorIntermediateCount } = this.engine.config;
    const least = await this.tables.get('flavors').rankWithin(call, features, flavorIntermediateCount, true);
    const phrases = [...labelsOf(least), ...this.tables.get('negative').labels];
    return this.chain(
      features,
      phrases,
      { bestPrompt: '', bestSimilarity: 0, minCount: 8, maxCount: maxFlavors, reverse: true, stage: 'chain' },
      call,
    );
  }

  private async mergedTop(features: NativeFeatures, topCount: number, call: Call): Promise<string[]> {
    return labelsOf(await this.tables.merged.rankWithin(call, features, topCount));
  }

  private truncate(prompt: string, call: Call): Promise<string> {
    return truncateToFit(prompt, (text) => this.engine.clip.fillsContext(text, call), this.corrected);
  }
}

function labelsOf(ranked: readonly RankedLabel[]): string[] {
  return ranked.map(({ label }) => label);
}
