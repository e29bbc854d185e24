/** What the calls of an Interrogator take besides their arguments, and what they answer. */
import { type CallOptions, color, count, flag, number, oneOf, text } from '../arguments';

export const MODES = ['best', 'fast', 'classic', 'negative', 'caption'] as const;
/** How a prompt is built. */
export type Mode = (typeof MODES)[number];

/** How an image is read; what is left out is as in the config. */
export interface ImageOptions extends CallOptions {
  /** Images of more pixels are refused by their header. */
  maxPixels?: number;
  /** 'exif' turns images as their EXIF orientation says. */
  orientation?: 'ignore' | 'exif';
  /** '#rgb' or '#rrggbb': what transparent images are composed over; null drops alpha. */
  background?: string | null;
  /** 'best-effort' decodes files that end too early as far as they go. */
  truncated?: 'error' | 'best-effort';
}

export interface NegativeOptions extends ImageOptions {
  /** Most terms, 0 and up. Default 32. */
  maxFlavors?: number;
}

export interface CaptionedOptions extends ImageOptions {
  /** Begin from this caption; without one, or with '', the caption model makes one. */
  caption?: string | null;
  /** Most terms, 0 and up. Default 32; classic mode 3. */
  maxFlavors?: number;
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
}

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

/** The checks of the options of each call; signal and onProgress are checked in all of them. */
export const IMAGE = {
  maxPixels: count(undefined, 1),
  orientation: oneOf(['ignore', 'exif'], undefined),
  background: color,
  truncated: oneOf(['error', 'best-effort'], undefined),
};
export const NEGATIVE = { ...IMAGE, maxFlavors: count(undefined) };
export const CAPTIONED = { ...NEGATIVE, caption: text(undefined) };
export const INTERROGATE = { ...CAPTIONED, minFlavors: count(8) };
export const DESCRIBE = { ...INTERROGATE, mode: oneOf(MODES, 'best') };
export const BATCH = { ...DESCRIBE, concurrency: count(8, 1) };
export const RANK_TOP = { reverse: flag(false) };
export const CHAIN = {
  bestPrompt: text(''),
  bestSimilarity: number(0),
  minCount: count(8),
  maxCount: count(32),
  reverse: flag(false),
  description: text('chain'),
};
