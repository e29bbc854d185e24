import { show } from './arguments';
import { nearest } from './bundles/nearest';
import { InterrogatorError } from './errors';

/** Every setting. The first block is clip-interrogator's own, with its defaults; the second is ours. */
export interface ConfigValues {
  /** Most new caption tokens, the end token counted. 1 … 512. Default 32. */
  captionMaxLength: number;
  /** `blip-base`, `blip-large`, another caption model's name, a caption bundle's folder, or null for none. Default 'blip-large'. */
  captionModelName: string | null;
  /** Keep the caption model's weights off the GPU while it does not run. Default false. */
  captionOffload: boolean;
  /** `model/tag` of open_clip, or a CLIP bundle's folder. Default 'ViT-L-14/openai'. */
  clipModelName: string;
  /** A CLIP bundle's folder, or a folder of bundles that is searched first. Default null. */
  clipModelPath: string | null;
  /** Keep the CLIP model's weights off the GPU while it does not run. Default false. */
  clipOffload: boolean;
  /** Folder of the label embeddings, relative to the working directory; null keeps none on disk. Default 'cache'. */
  cachePath: string | null;
  /** Fetch ready label embeddings from `cacheUrl` for pretrained names. Default true. */
  downloadCache: boolean;
  /** Labels that quota ranking ranks at once. 1 … 2^31 - 1. Default 2048. */
  chunkSize: number;
  /** Folder of term lists; null: those in the CLIP bundle. Default null. */
  dataPath: string | null;
  /** 'auto' (CUDA where there is one), 'cpu', 'cuda' or 'cuda:N'. Default 'auto'. */
  device: string;
  /** Terms that best and negative mode chain over. 1 … 2^31 - 1. Default 2048. */
  flavorIntermediateCount: number;
  /** No progress bars. Default false: they show where stderr is a terminal. */
  quiet: boolean;

  /** 'quota' ranks long tables in chunks as the reference does; 'global' is the true top-k. Default 'quota'. */
  ranking: 'quota' | 'global';
  /** 'reference' answers as clip-interrogator 0.6.0 does, bugs included; 'corrected' mends them. Default 'reference'. */
  compat: 'reference' | 'corrected';
  /** CPU threads; 0: one per physical core. 0 … 1024. Default 0. */
  threads: number;
  /**
   * Most calls whose images or rankings are merged into one pass over the model or the labels. 1 … 4096. Default 32. On the
   * CPU an image tower takes fewer where more would only take longer.
   */
  maxBatch: number;
  /**
   * Most calls that wait while maxBatch others are worked on; one more is refused with ERR_BUSY, at its start. 1 … 1,000,000.
   * Default 256.
   */
  maxQueue: number;
  /** A caption bundle's folder, or a folder of bundles that is searched first. Default null. */
  captionModelPath: string | null;
  /** Check every bundle file's SHA-256 when loading. Default true. */
  verifyHashes: boolean;
  /** Where `downloadCache` looks, an http(s) URL of a folder. Default: the reference's own. */
  cacheUrl: string;
}

export type ConfigInput = Partial<ConfigValues>;

interface Field<T> {
  default: T;
  expected: string;
  accepts(value: unknown): boolean;
}

function integer(initial: number, least: number, most: number): Field<number> {
  return {
    default: initial,
    expected: `a whole number from ${least} to ${most}`,
    accepts: (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  };
}

function flag(initial: boolean): Field<boolean> {
  return { default: initial, expected: 'true or false', accepts: (value) => typeof value === 'boolean' };
}

function text(initial: string, expected: string, pattern = /\S/): Field<string> {
  return { default: initial, expected, accepts: (value) => typeof value === 'string' && pattern.test(value) };
}

function textOrNull(initial: string | null, expected: string): Field<string | null> {
  return {
    default: initial,
    expected: `${expected}, or null`,
    accepts: (value) => value === null || (typeof value === 'string' && value.trim() !== ''),
  };
}

function choice<T extends string>(initial: T, ...values: T[]): Field<T> {
  return {
    default: initial,
    expected: values.map((value) => `'${value}'`).join(' or '),
    accepts: (value) => values.includes(value as T),
  };
}

const LARGEST_COUNT = 2 ** 31 - 1;

const FIELDS: { [K in keyof ConfigValues]: Field<ConfigValues[K]> } = {
  captionMaxLength: integer(32, 1, 512),
  captionModelName: textOrNull('blip-large', "a caption model's name or bundle folder"),
  captionOffload: flag(false),
  clipModelName: text('ViT-L-14/openai', "a CLIP model's name (model/tag) or bundle folder"),
  clipModelPath: textOrNull(null, 'a folder'),
  clipOffload: flag(false),
  cachePath: textOrNull('cache', 'a folder'),
  downloadCache: flag(true),
  chunkSize: integer(2048, 1, LARGEST_COUNT),
  dataPath: textOrNull(null, 'a folder'),
  device: text('auto', "'auto', 'cpu', 'cuda' or 'cuda:N'", /^(auto|cpu|cuda(:\d{1,3})?)$/),
  flavorIntermediateCount: integer(2048, 1, LARGEST_COUNT),
  quiet: flag(false),
  ranking: choice<'quota' | 'global'>('quota', 'quota', 'global'),
  compat: choice<'reference' | 'corrected'>('reference', 'reference', 'corrected'),
  threads: integer(0, 0, 1024),
  maxBatch: integer(32, 1, 4096),
  maxQueue: integer(256, 1, 1_000_000),
  captionModelPath: textOrNull(null, 'a folder'),
  verifyHashes: flag(true),
  cacheUrl: text('https://huggingface.co/pharma/ci-preprocess/resolve/main/', 'an http(s) URL', /^https?:\/\/\S+$/),
};

const LOW_VRAM: ConfigInput = {
  captionModelName: 'blip-base',
  captionOffload: true,
  clipOffload: true,
  chunkSize: 1024,
  flavorIntermediateCount: 1024,
};

/** All settings, checked and frozen. What is not given, or given as undefined, has its default. */
export class Config implements Readonly<ConfigValues> {
  readonly captionMaxLength!: number;
  readonly captionModelName!: string | null;
  readonly captionOffload!: boolean;
  readonly clipModelName!: string;
  readonly clipModelPath!: string | null;
  readonly clipOffload!: boolean;
  readonly cachePath!: string | null;
  readonly downloadCache!: boolean;
  readonly chunkSize!: number;
  readonly dataPath!: string | null;
  readonly device!: string;
  readonly flavorIntermediateCount!: number;
  readonly quiet!: boolean;
  readonly ranking!: 'quota' | 'global';
  readonly compat!: 'reference' | 'corrected';
  readonly threads!: number;
  readonly maxBatch!: number;
  readonly maxQueue!: number;
  readonly captionModelPath!: string | null;
  readonly verifyHashes!: boolean;
  readonly cacheUrl!: string;

  /** Throws ERR_CONFIG, naming every field that is wrong. */
  constructor(input: ConfigInput = {}) {
    if (input === null || typeof input !== 'object' || Array.isArray(input)) {
      throw new InterrogatorError('ERR_CONFIG', `Config takes an object of settings, got ${show(input)}.`);
    }
    const problems = [...unknownFields(input), ...wrongFields(input)];
    if (problems.length > 0) {
      throw new InterrogatorError('ERR_CONFIG', `The config is not valid:\n${problems.map((line) => `- ${line}`).join('\n')}`);
    }
    for (const [name, field] of Object.entries(FIELDS)) {
      const value = input[name as keyof ConfigInput];
      Object.defineProperty(this, name, { value: value === undefined ? field.default : value, enumerable: true });
    }
    Object.freeze(this);
  }

  /** The reference's low-VRAM preset: blip-base, both models offloaded, chunks and chain of 1024. `overrides` win. */
  static lowVram(overrides: ConfigInput = {}): Config {
    return new Config({ ...LOW_VRAM, ...given(overrides) });
  }

  /** This config with the low-VRAM preset over it. A config never changes, so use what is returned. */
  applyLowVramDefaults(): Config {
    return new Config({ ...this, ...LOW_VRAM });
  }
}

/** A Config as it is, or settings made into one. */
export function toConfig(input: Config | ConfigInput | undefined): Config {
  return input instanceof Config ? input : new Config(input);
}

function given(input: ConfigInput): ConfigInput {
  return Object.fromEntries(Object.entries(input ?? {}).filter(([, value]) => value !== undefined));
}

function unknownFields(input: object): string[] {
  const names = Object.keys(FIELDS);
  return Object.keys(input)
    .filter((name) => !Object.hasOwn(FIELDS, name))
    .map((name) => {
      const [suggestion] = nearest(name, names, 1);
      return `${name}: no such setting${suggestion ? `; did you mean ${suggestion}?` : '.'}`;
    });
}

function wrongFields(input: ConfigInput): string[] {
  return Object.entries(FIELDS).flatMap(([name, field]) => {
    const value: unknown = input[name as keyof ConfigInput];
    return value === undefined || field.accepts(value) ? [] : [`${name}: got ${show(value)}, expected ${field.expected}.`];
  });
}
