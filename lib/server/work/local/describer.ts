/** Prompts and captions, made on a device of this process. */
import { Features } from '../../../index';
import type { SentPicture } from '../../pictures/picture';
import type { Caller } from '../caller';
import {
  type CaptioningPair,
  type CaptionSettings,
  captionSettings,
  type Described,
  type Describer,
  type DescribeWish,
  defined,
  type Found,
  type KnownOfPicture,
  needsCaption,
} from '../describe';
import { describeInTurn } from '../in-turn';
import { partsOf } from '../parts';
import type { Stations } from '../station';

/** Chains take turns instead of sharing passes: so many of a device's places each. */
const CHAIN_PLACES = 4;

/** What a description is going to ask of a device; what takes about the same time is of one kind. */
export function describeLoad(wish: DescribeWish, known: KnownOfPicture): { kind: string; units: number; places: number } {
  const { models, modes, termCount = 0 } = wish;
  const parts = {
    features: !known.row,
    caption: needsCaption(wish) && known.caption === undefined,
    similarities: saysSimilarities(wish),
    terms: termCount > 0,
  };
  const work = [...modes, ...Object.entries(parts).flatMap(([name, isNeeded]) => (isNeeded ? [name] : []))].sort();
  const chains = modes.some((mode) => mode === 'best' || mode === 'negative');
  return { kind: `${models.clip} ${models.caption} ${work}`, units: 1, places: chains ? CHAIN_PLACES : 1 };
}

export function captionLoad({ caption }: CaptioningPair): { kind: string; units: number; places: number } {
  return { kind: `${caption} caption`, units: 1, places: 1 };
}

function saysSimilarities({ similarities = false, explain = false, onDescription }: DescribeWish): boolean {
  return similarities || explain || onDescription !== undefined;
}

export class LocalDescriber implements Describer {
  constructor(private readonly stations: Stations) {}

  async describe(caller: Caller, { bytes }: SentPicture, wish: DescribeWish, known: KnownOfPicture): Promise<Found> {
    const { models, modes, termCount = 0, explain = false } = wish;
    using seat = await this.stations.enter(caller, models, describeLoad(wish, known));
    const { interrogator } = seat;
    const { signal, report } = caller;
    return await seat.run(async () => {
      using given = known.row && (await Features.from(known.row, interrogator, { signal }));
      const caption = wish.caption || known.caption;
      const { minFlavors, maxFlavors, include, exclude } = wish;
      const answer = await describeInTurn(interrogator, bytes?.source ?? Buffer.alloc(0), wish.onDescription, {
        modes,
        ...(caption && { caption }),
        ...(given && { features: given }),
        ...defined({ minFlavors, maxFlavors, include, exclude, ...captionSettings(wish) }),
        termCount,
        similarities: saysSimilarities(wish),
        signal,
        onProgress: report,
      });
      using features = answer.features;
      const row = known.row ?? (await features.toArray({ signal }));
      const { width, height, truncated } = answer;
      const descriptions: Described['descriptions'] = [];
      for (const each of answer.descriptions) {
        const tokens = await interrogator.countTokens(each.prompt, { signal });
        const parts = explain ? await partsOf(interrogator, features, each.prompt, answer.caption, signal) : undefined;
        descriptions.push({ ...each, tokens, ...(parts && { parts }) });
      }
      return {
        row,
        descriptions,
        caption: answer.caption,
        terms: answer.terms,
        size: width !== undefined && height !== undefined ? { width, height, ...(truncated && { truncated }) } : undefined,
        contextTokens: interrogator.contextTokens,
      };
    });
  }

  async caption(caller: Caller, { bytes }: SentPicture, models: CaptioningPair, settings: CaptionSettings): Promise<string> {
    using seat = await this.stations.enter(caller, models, captionLoad(models));
    const { signal, report: onProgress } = caller;
    const source = bytes?.source ?? Buffer.alloc(0);
    return await seat.run(() => seat.interrogator.generateCaption(source, { ...defined(settings), signal, onProgress }));
  }
}
