/** What the calls of an Interrogator take besides their arguments, and what they answer. */
import type { TSchema } from '@sinclair/typebox';
import { type CallOptions, isA, optionsSchema } from '../arguments';
import { accepted, choice, type TypeBox } from '../arguments/schema';
import { Config } from '../config';
import type { Features } from '../engine/features';
import { ModelPool } from '../engine/model-pool';
import type { DecodeOptions } from '../image';
import type { RankedLabel } from '../labels/label-table';

/** All modes. */
export const MODES = ['best', 'fast', 'classic', 'negative', 'caption'] as const;
/** How a prompt is built. */
export type Mode = (typeof MODES)[number];

export interface CreateOptions extends CallOptions {
  /** Share the device and the models with the other interrogators of this pool. */
  pool?: ModelPool;
}

/** How an image is read. What is left out is as in the config, whose defaults are the ones named here. */
export interface ImageOptions extends CallOptions, DecodeOptions {}

/** How a caption is made. What is left out is as in the config. */
export interface CaptionOptions extends ImageOptions {
  /** Most new tokens, the end token counted: 1 to 512. Rejects with ERR_CONFIG beyond what the model reads. */
  captionMaxLength?: number;
  /** What the caption goes on from; null: nothing. */
  captionPrompt?: string | null;
  /** Beams that it is searched with: 1 to 64. */
  numBeams?: number;
}

export interface NegativeOptions extends ImageOptions {
  /** Terms that the prompt has in any case, behind the caption, in this order. They count among the most. */
  include?: readonly string[];
  /** Terms that the prompt does not have: whole terms of the lists, as they are written there. */
  exclude?: readonly string[];
  /** Most terms, 0 and up. Default 32; classic mode 3. */
  maxFlavors?: number;
}

export interface CaptionedOptions extends NegativeOptions, CaptionOptions {
  /** Begin from this caption; without one, or with '', the caption model makes one. */
  caption?: string | null;
}

export interface InterrogateOptions extends CaptionedOptions {
  /** Terms that the chain takes even where similarity falls, 0 and up. Default 8. */
  minFlavors?: number;
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
  /** The image's file ends too early, and was decoded as far as it goes: see the option of this name. Absent for others. */
  truncated?: true;
}

export interface ModesOptions extends InterrogateOptions {
  /** Each once; none: only what else is asked for. */
  modes: readonly Mode[];
  /** The image's own features, from an earlier call: it is not encoded again. */
  features?: Features;
  /** So many of the best terms of each table, 0 and up. Default 0. */
  termCount?: number;
  /** Encode each prompt and say how similar it is to the image. Default true; on the CPU fast mode takes 1.7 times as long with it. */
  similarities?: boolean;
}

/** One pass over an image. */
export interface ModesAnswer {
  /** In the order in which the modes were asked for. */
  descriptions: readonly (Pick<Description, 'prompt'> & Partial<Pick<Description, 'similarity'>> & { mode: Mode })[];
  /** What the prompts began from; null where no mode needed one. */
  caption: string | null;
  /** The best terms of each table that there is, in falling similarity; empty without `termCount`. */
  terms: Partial<Record<TermTable, RankedLabel[]>>;
  /** Of the image, 1 × embedDim: those that were given, or new ones, which the caller closes. */
  features: Features;
  /** Of the decoded image, in pixels. Absent where nothing needed it decoded. */
  width?: number;
  height?: number;
  /** Its file ends too early, and was decoded as far as it goes: see the option `truncated`. */
  truncated?: true;
}

/** The tables of terms that a picture is described with. */
export type TermTable = 'mediums' | 'artists' | 'trendings' | 'movements' | 'flavors';

export interface BatchOptions extends DescribeOptions {
  /** Images that are worked on at a time, 1 and up; no more than the interrogator admits. Their pixels are all in memory. Default 8. */
  concurrency?: number;
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

/** Their schemas, by which each call checks them. */
export const CreateOptions = optionsSchema((typebox) => ({ pool: accepted(typebox, 'a ModelPool', (value) => isA(value, ModelPool)) }));
export const ImageOptions = optionsSchema(({ Type }) => {
  const { orientation, background, truncated } = Config.schema.properties;
  return { maxPixels: Type.Integer({ minimum: 1 }), orientation, background, truncated };
});
export const CaptionOptions = optionsSchema(() => {
  const { captionMaxLength, captionPrompt, numBeams } = Config.schema.properties;
  return { ...ImageOptions().properties, captionMaxLength, captionPrompt, numBeams };
});
export const NegativeOptions = optionsSchema(({ Type }) => ({
  ...ImageOptions().properties,
  maxFlavors: Type.Integer({ minimum: 0 }),
  include: Type.Array(Type.String({ pattern: '\\S' }), { expected: 'an array of texts' }),
  exclude: Type.Array(Type.String(), { expected: 'an array of texts' }),
}));
export const CaptionedOptions = optionsSchema((typebox) => ({
  ...NegativeOptions().properties,
  ...CaptionOptions().properties,
  caption: textOrNull(typebox),
}));
export const InterrogateOptions = optionsSchema(({ Type }) => ({
  ...CaptionedOptions().properties,
  minFlavors: Type.Integer({ minimum: 0 }),
}));
export const DescribeOptions = optionsSchema((typebox) => ({ ...InterrogateOptions().properties, mode: choice(typebox, MODES) }));
export const ModesOptions = optionsSchema((typebox) => {
  const { Type } = typebox;
  return {
    ...InterrogateOptions().properties,
    modes: Type.Array(choice(typebox, MODES), { uniqueItems: true, expected: `a list of ${MODES.join(', ')}, each once` }),
    features: Type.Any(),
    termCount: Type.Integer({ minimum: 0 }),
    similarities: Type.Boolean(),
  };
});
export const BatchOptions = optionsSchema(({ Type }) => ({ ...DescribeOptions().properties, concurrency: Type.Integer({ minimum: 1 }) }));
export const RankTopOptions = optionsSchema(({ Type }) => ({ reverse: Type.Boolean() }));
export const ChainCallOptions = optionsSchema((typebox) => {
  const { Type } = typebox;
  return {
    bestPrompt: textOrNull(typebox),
    bestSimilarity: Type.Number(),
    minCount: Type.Integer({ minimum: 0 }),
    maxCount: Type.Integer({ minimum: 0 }),
    reverse: Type.Boolean(),
    description: textOrNull(typebox),
  };
});

/** Null is as good as none. */
function textOrNull({ Type }: TypeBox): TSchema {
  return Type.Union([Type.String(), Type.Null()], { expected: 'a string' });
}
