/** Every setting, written once: its default, range and meaning. Types, checks and `Config.schema` derive from the one schema. */
import type { Static } from '@sinclair/typebox';
import { fieldsOf } from './arguments';
import { COLOR, MAX_PIXELS } from './arguments/limits';
import { choice, lazySchema, problems } from './arguments/schema';
import { InterrogatorError } from './errors';

const LARGEST_COUNT = 2 ** 31 - 1;

// The first block is clip-interrogator's own, with its defaults; the second is ours.
const settings = lazySchema((typebox) => {
  const { Type } = typebox;
  const integer = (initial: number, minimum: number, maximum: number, description: string) =>
    Type.Integer({ default: initial, minimum, maximum, description });
  const flag = (initial: boolean, description: string) => Type.Boolean({ default: initial, description });
  const text = (initial: string, expected: string, description: string, pattern = '\\S') =>
    Type.String({ default: initial, pattern, expected, description });
  const textOrNull = (initial: string | null, expected: string, description: string) =>
    Type.Union([Type.String({ pattern: '\\S' }), Type.Null()], { default: initial, expected: `${expected}, or null`, description });
  const folderOrNull = (initial: string | null, description: string) => textOrNull(initial, 'a folder', description);
  /** The first is the default. */
  const oneOf = <const T extends string>(values: readonly [T, ...T[]], description: string) =>
    choice(typebox, values, { default: values[0], description });
  return Type.Object(
    {
      captionMaxLength: integer(32, 1, 512, 'Most new caption tokens, the end token counted.'),
      captionModelName: textOrNull(
        'blip-large',
        "a caption model's name or bundle folder",
        "`blip-base`, `blip-large`, another caption model's name, a caption bundle's folder (absolute, or from ./, ../ or ~/), or null for none.",
      ),
      captionOffload: flag(false, "Keep the caption model's weights off the GPU while it does not run."),
      clipModelName: text(
        'ViT-L-14/openai',
        "a CLIP model's name (model/tag) or bundle folder",
        "`model/tag` of open_clip, or a CLIP bundle's folder, which is absolute or begins with ./, ../ or ~/.",
      ),
      clipModelPath: folderOrNull(null, "A CLIP bundle's folder, or a folder of bundles that is searched first."),
      clipOffload: flag(false, "Keep the CLIP model's weights off the GPU while it does not run."),
      download: flag(
        true,
        "Fetch a name's weights, the reference's term lists and ready label embeddings, where they are not on this machine.",
      ),
      cachePath: folderOrNull('cache', 'Folder of the label embeddings, relative to the working directory; null keeps none on disk.'),
      downloadCache: flag(true, 'Fetch ready label embeddings from `cacheUrl` for pretrained names, where `download` is true.'),
      chunkSize: integer(2048, 1, LARGEST_COUNT, 'Labels that quota ranking ranks at once.'),
      dataPath: folderOrNull(null, 'Folder of term lists; null: those in the CLIP bundle.'),
      device: text(
        'auto',
        "'auto', 'cpu', 'cuda' or 'cuda:N'",
        "'auto' (CUDA where there is one), 'cpu', 'cuda' or 'cuda:N'.",
        '^(auto|cpu|cuda(:[0-9]{1,3})?)$',
      ),
      flavorIntermediateCount: integer(2048, 1, LARGEST_COUNT, 'Terms that best and negative mode chain over.'),
      quiet: flag(false, 'No progress bars. They show where stderr is a terminal.'),

      ranking: oneOf(['quota', 'global'], "'quota' ranks long tables in chunks as the reference does; 'global' is the true top-k."),
      compat: oneOf(
        ['reference', 'corrected'],
        "'reference' answers as clip-interrogator 0.6.0 does, bugs included; 'corrected' mends them.",
      ),
      threads: integer(0, 0, 1024, 'CPU threads; 0: one per physical core.'),
      imagePrecision: oneOf(
        ['float32', 'bfloat16'],
        "What image towers multiply on the CPU; 'bfloat16' takes about two thirds of the time on processors with AVX512_BF16, and changes few of the terms.",
      ),
      maxBatch: integer(
        32,
        1,
        4096,
        'Most calls whose images or rankings are merged into one pass over the model or the labels. On the CPU an image tower takes fewer where more would only take longer.',
      ),
      maxQueue: integer(
        256,
        1,
        1_000_000,
        'Most calls that wait while maxBatch others are worked on; one more is refused with ERR_BUSY, at its start.',
      ),
      maxPixels: integer(
        MAX_PIXELS,
        1,
        LARGEST_COUNT,
        "Images of more pixels are refused by their header, before they are decoded. The default is Pillow's limit.",
      ),
      orientation: oneOf(
        ['ignore', 'exif'],
        "'exif' turns images as their EXIF orientation says; 'ignore' does so for TIFFs alone, as the reference does.",
      ),
      background: Type.Union([Type.String({ pattern: COLOR }), Type.Null()], {
        default: null,
        expected: "a colour as '#rgb' or '#rrggbb', or null",
        description: 'What transparent images are composed over; null drops alpha, as the reference does.',
      }),
      truncated: oneOf(['error', 'best-effort'], "'best-effort' decodes image files that end too early as far as they go."),
      captionPrompt: textOrNull(
        null,
        'a text',
        'What captions go on from, such as "a picture of"; null: nothing. BLIP-2 with T5 reads it and leaves it out of the caption.',
      ),
      numBeams: integer(1, 1, 64, 'Beams that captions are searched with; 1 takes the likeliest token each time, as the reference does.'),
      minLength: integer(
        0,
        0,
        4096,
        'Tokens before which no caption ends, counted as transformers does: with those of the prompt, and with the 32 that stand for the image in BLIP-2 with OPT.',
      ),
      repetitionPenalty: Type.Number({
        default: 1,
        exclusiveMinimum: 0,
        maximum: 100,
        expected: 'a number above 0, up to 100',
        description: 'Above 1, tokens that a caption has already become less likely in it: 1.2 is enough against captions that loop.',
      }),
      noRepeatNgramSize: integer(0, 0, 512, 'No caption has the same so many tokens in a row twice; 0: it may.'),
      captionModelPath: folderOrNull(null, "A caption bundle's folder, or a folder of bundles that is searched first."),
      verifyHashes: flag(true, "Check every bundle file's SHA-256 when loading; sizes are checked in any case."),
      cacheUrl: text(
        'https://huggingface.co/pharma/ci-preprocess/resolve/main/',
        'an http(s) URL',
        "Where `downloadCache` looks, an http(s) URL of a folder. The default is the reference's own.",
        '^https?://\\S+$',
      ),
    },
    { title: 'Config', additionalProperties: false },
  );
});

/** `Config.schema` says what each setting means, its default and its range. */
export type ConfigValues = Static<ReturnType<typeof settings>>;
export type ConfigInput = Partial<ConfigValues>;

const LOW_VRAM: ConfigInput = {
  captionModelName: 'blip-base',
  captionOffload: true,
  clipOffload: true,
  chunkSize: 1024,
  flavorIntermediateCount: 1024,
};

/** All settings, as fields of an instance. */
const Settings = class {} as new () => Readonly<ConfigValues>;

/** All settings, checked and frozen. What is not given, or given as undefined, has its default. */
export class Config extends Settings {
  /** Throws ERR_CONFIG, naming every field that is wrong. */
  constructor(input: ConfigInput = {}) {
    super();
    const given = fieldsOf('config', input, 'ERR_CONFIG');
    const schema = settings();
    const settled = Object.entries(schema.properties).map(([name, field]) => [
      name,
      given[name] === undefined ? field.default : given[name],
    ]);
    const values = { ...given, ...Object.fromEntries(settled) };
    const faults = problems(schema, values, 'setting');
    if (faults.length > 0) {
      throw new InterrogatorError('ERR_CONFIG', `The config is not valid:\n${faults.map((line) => `- ${line}`).join('\n')}`);
    }
    Object.freeze(Object.assign(this, values));
  }

  /** JSON Schema of all settings: types, defaults, ranges and what each means. */
  static get schema(): ReturnType<typeof settings> {
    return settings();
  }

  /** The reference's low-VRAM preset: blip-base, both models offloaded, chunks and chain of 1024. `overrides` win. */
  static lowVram(overrides: ConfigInput = {}): Config {
    const given = Object.entries(fieldsOf('overrides', overrides, 'ERR_CONFIG')).filter(([, value]) => value !== undefined);
    return new Config({ ...LOW_VRAM, ...Object.fromEntries(given) });
  }

  /** This config with the low-VRAM preset over it. A config never changes, so use what is returned. */
  applyLowVramDefaults(): Config {
    return new Config({ ...this, ...LOW_VRAM });
  }
}
