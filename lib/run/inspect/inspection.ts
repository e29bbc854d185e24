/** What inspectFolder() is asked for, and what it gives. */
import type { CallOptions, Config, ConfigInput, Interrogator } from '../../api';

export interface InspectOptions extends CallOptions {
  /**
   * The state folder of the run that made the features. Default: `.torch-interrogator` in the folder, or the folder itself. With another
   * state folder only the pictures below the folder count.
   */
  state?: string;
  /** Inspect with this one, which stays open. `config` then does not count. Its CLIP model must be the one that made the features. */
  interrogator?: Interrogator;
  /**
   * What to load where no interrogator is given. Its CLIP model must be the one that made the features; where `clipModelName` is left out
   * it is the one that the state names. No caption model is loaded.
   */
  config?: Config | ConfigInput;
  /**
   * Pictures whose features have at least this cosine similarity are near duplicates, above 0 and up to 1. Default 0.975.
   *
   * Measured with the package's sample pair: JPEG of quality 85, half and double size, and crops of 2 % on each side leave a picture at
   * 0.977 or more; the most similar two of 153 different pictures (11,628 pairs) are at 0.974. Stronger edits overlap with pictures that
   * are merely alike (a crop of 5 %: 0.89 to 0.98), so that a lower threshold finds more of them and more that are none.
   */
  duplicateThreshold?: number;
  /** What the text files beside the pictures end in. Default '.txt'. */
  sidecar?: string;
  /** Entries of lists that only show the ends of an order: outliers, captions, terms. 1 and up, default 100. Groups are all listed. */
  most?: number;
}

/** Pictures with the same content. */
export interface DuplicateGroup {
  /** Of the content, hex. */
  sha256: string;
  /** At least two, in natural order of names. */
  pictures: readonly string[];
}

/** Pictures of different contents that look the same: each is near another one of the group, and so on. */
export interface NearDuplicateGroup {
  /** Every picture of the group has another content in it that is at least so similar. */
  similarity: number;
  /** At least two. */
  contents: number;
  /** All names of these contents, in natural order. */
  pictures: readonly string[];
}

/** A picture unlike all others. */
export interface Outlier {
  image: string;
  /** To the picture that is most similar to it. */
  similarity: number;
  nearest: string;
  /** Standard deviations that `similarity` lies below the mean of all pictures; negative above it. */
  deviations: number;
}

/** A picture with its text file. */
export interface CaptionFit {
  image: string;
  caption: string;
  similarity: number;
  /** Standard deviations that `similarity` lies below the set's mean; negative above it. */
  deviations: number;
}

export interface TermShare {
  term: string;
  /** Pictures that have it. */
  pictures: number;
  /** Of the pictures that have texts, 0 … 1. */
  share: number;
}

/** Similarities are cosines, -1 … 1, to 6 decimals. Means and deviations are null where there are too few pictures. */
export interface Inspection {
  folder: string;
  state: string;
  /** Names of pictures in all lists are relative to this folder. */
  base: string;
  /** As the config names it. */
  clipModel: string;
  pictures: {
    /** Whose names the state knows. */
    known: number;
    /** That are there no more. They count nowhere else. */
    gone: number;
    /** That were written to after their features were made. They count with those. */
    changed: number;
    /** That are there without features of this model: broken ones, and those that no run has read yet. */
    withoutFeatures: number;
    /** That everything below is about. */
    inspected: number;
    /** Different contents among them. */
    contents: number;
  };
  /** Largest first. */
  duplicates: readonly DuplicateGroup[];
  /** Largest first. */
  nearDuplicates: { threshold: number; groups: readonly NearDuplicateGroup[] };
  /** Each content's similarity to the one most similar to it, the worst first. */
  outliers: { mean: number | null; deviation: number | null; pictures: readonly Outlier[] };
  /** The text files beside the pictures, against the pictures; the worst first. `missing` and `empty`: pictures without a text. */
  captions: {
    extension: string;
    scored: number;
    missing: number;
    empty: number;
    mean: number | null;
    deviation: number | null;
    worst: readonly CaptionFit[];
  };
  /**
   * Parts of the pictures' texts, between commas, in lower case: of the texts that runs made, without their captions and negative ones;
   * where there are none, of captions; where there are none, of the text files.
   */
  terms: {
    of: 'texts' | 'captions' | 'sidecars' | null;
    /** Pictures that have such texts. */
    pictures: number;
    /** Different terms. */
    distinct: number;
    /** Terms in four of five pictures or more, most frequent first: candidates for a trigger word. */
    shared: readonly TermShare[];
    common: readonly TermShare[];
    /** The rarest first. */
    rare: readonly TermShare[];
    /** Terms that a single picture has. */
    single: number;
  };
  coverage: {
    /**
     * How many terms that all come equally often would be spread as these are: e to the power of the entropy of their counts. Null without
     * terms.
     */
    effectiveTerms: number | null;
    /** Over all pairs of contents: near 1 where all pictures look alike. */
    meanSimilarity: number | null;
  };
}
