/** What the doctor of a set finds. All lists are in a settled order. */
export interface Inspection {
  /** Pictures that are there and have features; `gone`: known ones that are not there any more; `failed`: those that came to an error. */
  pictures: number;
  gone: number;
  failed: number;
  /** Names with the same content. */
  duplicates: string[][];
  /** Pictures that look the same, with the lowest similarity that joined two of them. */
  nearDuplicates: { names: string[]; similarity: number }[];
  /** Pictures that are unlike all others: the least similar to their nearest neighbour first. */
  unlike: { name: string; nearest: string; similarity: number }[];
  /** Text files beside the pictures, of which the worst fit comes first; null where there are none. */
  captions: CaptionFit | null;
  /** Terms of nearly all pictures: candidates for a trigger word. */
  shared: { term: string; share: number }[];
  coverage: Coverage;
}

export interface CaptionFit {
  count: number;
  /** Of the cosine similarities of each text and its picture. */
  mean: number;
  deviation: number;
  /** `deviations`: how many standard deviations below the mean. */
  worst: { name: string; text: string; similarity: number; deviations: number }[];
}

export interface Coverage {
  /** Mean cosine similarity of two pictures: near 1, they are all alike. */
  meanSimilarity: number;
  /** Distinct terms of the pictures' texts, and as how many equally frequent ones they count: exp of the entropy of their shares. */
  terms: number;
  effectiveTerms: number;
  frequent: { term: string; count: number }[];
  /** Of one picture alone. */
  rare: string[];
}
