/** Prompts and captions of a picture, with what is known of it from earlier requests. */
import type { Mode, ModesAnswer } from '../../index';
import { Refusal } from '../answers/refusal';
import type { PairWish } from '../models/pair';
import type { PictureCache } from '../pictures/cache';
import type { SentPicture } from '../pictures/picture';
import type { Caller } from './caller';
import type { PromptPart } from './parts';

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
  size: PictureSize | undefined;
  clipModelName: string;
  captionModelName: string | null;
  contextTokens: number;
}

export type PictureSize = { width: number; height: number; truncated?: true };

/** What is known of a picture, so that it need not be worked out again. */
export interface KnownOfPicture {
  /** Its features. */
  row?: Float32Array | undefined;
  /** What the caption model says of it with these settings. */
  caption?: string | undefined;
}

/** What the work on a picture found. */
export interface Found extends Pick<Described, 'caption' | 'terms' | 'descriptions' | 'contextTokens' | 'size'> {
  row: Float32Array | undefined;
}

/** Does the work that no cache saves: on a device of this process, or of another. */
export interface Describer {
  /** `picture` has bytes unless all that is needed of it is known. */
  describe(caller: Caller, picture: SentPicture, wish: DescribeWish, known: KnownOfPicture): Promise<Found>;
  /** `picture` has bytes. */
  caption(caller: Caller, picture: SentPicture, models: CaptioningPair, settings: CaptionSettings): Promise<string>;
}

export type CaptioningPair = PairWish & { caption: string };

export class Describing {
  constructor(
    private readonly describer: Describer,
    private readonly cache: PictureCache,
  ) {}

  /** Rejects with 404 for a picture that was given by its id, and whose bytes are needed and not kept; with what the library rejects. */
  async describe(caller: Caller, picture: SentPicture, wish: DescribeWish): Promise<Described> {
    const { described } = await this.describeWithRow(caller, picture, wish);
    return described;
  }

  /** With the picture's features. */
  async describeWithRow(
    caller: Caller,
    picture: SentPicture,
    wish: DescribeWish,
    known = this.known(picture.id, wish),
  ): Promise<{ described: Described; row: Float32Array | undefined }> {
    const { cache } = this;
    const { id } = picture;
    const { models } = wish;
    if (!picture.bytes && needsBytes(wish, known)) throw forgotten();
    const { row, size, ...found } = await this.describer.describe(caller, picture, wish, known);
    if (!known.row && row) cache.keepFeatures(id, models.clip, row);
    if (needsCaption(wish) && known.caption === undefined && found.caption !== null && models.caption !== null) {
      cache.keepCaption(id, captionKey(models.caption, wish), found.caption);
    }
    if (size) cache.keepSize(id, size);
    const described = {
      ...found,
      size: cache.size(id),
      clipModelName: models.clip,
      captionModelName: needsCaption(wish) ? models.caption : null,
    };
    return { described, row };
  }

  async caption(caller: Caller, picture: SentPicture, models: CaptioningPair, wish: CaptionSettings): Promise<string> {
    const key = captionKey(models.caption, wish);
    const kept = this.cache.caption(picture.id, key);
    if (kept !== undefined) return kept;
    if (!picture.bytes) throw forgotten();
    const caption = await this.describer.caption(caller, picture, models, captionSettings(wish));
    this.cache.keepCaption(picture.id, key, caption);
    return caption;
  }

  /** Of what the wish needs. */
  known(id: string, wish: DescribeWish): KnownOfPicture {
    const { clip, caption } = wish.models;
    return {
      row: this.cache.features(id, clip),
      caption: needsCaption(wish) && caption !== null ? this.cache.caption(id, captionKey(caption, wish)) : undefined,
    };
  }
}

/** A model has to make the caption. */
export function needsCaption({ caption, modes }: DescribeWish): boolean {
  return !caption && modes.some((mode) => mode !== 'negative');
}

/** What is known of the picture does not do. */
export function needsBytes(wish: DescribeWish, { row, caption }: KnownOfPicture): boolean {
  return row === undefined || (needsCaption(wish) && caption === undefined);
}

export function captionSettings({ captionMaxLength, numBeams, captionPrompt }: CaptionSettings) {
  return defined({ captionMaxLength, numBeams, captionPrompt });
}

/** What was given. */
export function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** Under which a caption is kept. */
export function captionKey(model: string, settings: CaptionSettings): string {
  return `${model} ${JSON.stringify(captionSettings(settings))}`;
}

export function forgotten(): Refusal {
  return new Refusal(404, 'ERR_PICTURE_FORGOTTEN', "The picture's bytes are not in memory any more.", { hint: 'Send its bytes.' });
}
