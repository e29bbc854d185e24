/** Prompts and captions of a picture, with what is known of it from earlier requests. */
import { Features, type Mode, type ModesAnswer } from '../../index';
import { Refusal } from '../answers/refusal';
import type { PairWish } from '../models/pair';
import type { PictureCache } from '../pictures/cache';
import type { SentPicture } from '../pictures/picture';
import type { Caller } from './caller';
import { describeInTurn } from './in-turn';
import { type PromptPart, partsOf } from './parts';
import type { Stations } from './station';

/** How a caption is made, where a model makes it. */
export interface CaptionSettings {
  captionMaxLength?: number | undefined;
  numBeams?: number | undefined;
  captionPrompt?: string | undefined;
}

export interface DescribeWish extends CaptionSettings {
  models: PairWish;
  modes: readonly Mode[];
  caption?: string | null | undefined;
  minFlavors?: number | undefined;
  maxFlavors?: number | undefined;
  include?: readonly string[] | undefined;
  exclude?: readonly string[] | undefined;
  termCount?: number | undefined;
  similarities?: boolean | undefined;
  explain?: boolean | undefined;
  /** Told of each as soon as it is there: the modes are then worked on one after the other, with similarities. */
  onDescription?: ((description: ModesAnswer['descriptions'][number]) => void) | undefined;
}

export interface Described extends Pick<ModesAnswer, 'caption' | 'terms'> {
  descriptions: { mode: Mode; prompt: string; tokens: number; similarity?: number; parts?: PromptPart[] }[];
  size: { width: number; height: number; truncated?: true } | undefined;
  clipModelName: string;
  captionModelName: string | null;
  contextTokens: number;
}

/** Chains take turns instead of sharing passes: so many of a device's places each. */
const CHAIN_PLACES = 4;

export class Describing {
  constructor(
    private readonly stations: Stations,
    private readonly cache: PictureCache,
  ) {}

  /** Rejects with 404 for a picture that was given by its id, and whose bytes are needed and not kept; with what the library rejects. */
  async describe(caller: Caller, picture: SentPicture, wish: DescribeWish): Promise<Described> {
    const { cache } = this;
    const { models, modes, termCount = 0, explain = false, similarities = false } = wish;
    const settings = captionSettings(wish);
    const needsCaption = !wish.caption && modes.some((mode) => mode !== 'negative');
    const kept = needsCaption && models.caption !== null ? cache.caption(picture.id, captionKey(models.caption, settings)) : undefined;
    const rows = cache.features(picture.id, models.clip);
    if (!picture.bytes && (rows === undefined || (needsCaption && kept === undefined))) throw forgotten();
    const chains = modes.some((mode) => mode === 'best' || mode === 'negative');
    const says = similarities || explain || wish.onDescription !== undefined;
    // What takes about the same time is of one kind.
    const parts = { features: !rows, caption: needsCaption && kept === undefined, similarities: says, terms: termCount > 0 };
    const work = [...modes, ...Object.entries(parts).flatMap(([name, isNeeded]) => (isNeeded ? [name] : []))].sort();
    const kind = `${models.clip} ${models.caption} ${work}`;
    using seat = await this.stations.enter(caller, models, { kind, units: 1, places: chains ? CHAIN_PLACES : 1 });
    const { interrogator } = seat;
    const { signal, report } = caller;
    return await seat.run(async () => {
      using given = rows && (await Features.from(rows, interrogator, { signal }));
      const caption = wish.caption || kept;
      const { minFlavors, maxFlavors, include, exclude } = wish;
      const answer = await describeInTurn(interrogator, picture.bytes?.source ?? Buffer.alloc(0), wish.onDescription, {
        modes,
        ...(caption && { caption }),
        ...(given && { features: given }),
        ...defined({ minFlavors, maxFlavors, include, exclude, ...settings }),
        termCount,
        similarities: says,
        signal,
        onProgress: report,
      });
      using features = answer.features;
      if (!rows) cache.keepFeatures(picture.id, models.clip, await features.toArray({ signal }));
      if (needsCaption && !kept && answer.caption !== null && models.caption !== null) {
        cache.keepCaption(picture.id, captionKey(models.caption, settings), answer.caption);
      }
      const { width, height, truncated } = answer;
      if (width !== undefined && height !== undefined) cache.keepSize(picture.id, { width, height, ...(truncated && { truncated }) });
      const descriptions: Described['descriptions'] = [];
      for (const each of answer.descriptions) {
        const tokens = await interrogator.countTokens(each.prompt, { signal });
        const parts = explain ? await partsOf(interrogator, features, each.prompt, answer.caption, signal) : undefined;
        descriptions.push({ ...each, tokens, ...(parts && { parts }) });
      }
      return {
        descriptions,
        caption: answer.caption,
        terms: answer.terms,
        size: cache.size(picture.id),
        clipModelName: models.clip,
        captionModelName: needsCaption ? models.caption : null,
        contextTokens: interrogator.contextTokens,
      };
    });
  }

  async caption(caller: Caller, picture: SentPicture, models: PairWish & { caption: string }, wish: CaptionSettings): Promise<string> {
    const settings = captionSettings(wish);
    const key = captionKey(models.caption, settings);
    const kept = this.cache.caption(picture.id, key);
    if (kept !== undefined) return kept;
    const { bytes } = picture;
    if (!bytes) throw forgotten();
    using seat = await this.stations.enter(caller, models, { kind: `${models.caption} caption`, units: 1, places: 1 });
    const { signal, report: onProgress } = caller;
    const caption = await seat.run(() => seat.interrogator.generateCaption(bytes.source, { ...settings, signal, onProgress }));
    this.cache.keepCaption(picture.id, key, caption);
    return caption;
  }
}

function captionSettings({ captionMaxLength, numBeams, captionPrompt }: CaptionSettings) {
  return defined({ captionMaxLength, numBeams, captionPrompt });
}

/** What was given. */
function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function captionKey(model: string, settings: object): string {
  return `${model} ${JSON.stringify(settings)}`;
}

export function forgotten(): Refusal {
  return new Refusal(404, 'ERR_PICTURE_FORGOTTEN', "The picture's bytes are not in memory any more.", { hint: 'Send its bytes.' });
}
