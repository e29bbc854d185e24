/** What lies beside a file of weights and says how it is to be run: the settings of open_clip, and those of transformers. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { BundleKind } from '../bundles/catalog';
import type { GraphHeader } from '../bundles/graph';
import { InterrogatorError } from '../errors';

type Json = Record<string, unknown>;

export interface OwnSettings {
  /** Fields of the manifest that differ from the graph's. */
  fields: Json;
  /** Whether the weights were trained with QuickGELU; undefined where nothing says so. */
  quickGelu: boolean | undefined;
  /** Throws ERR_INVALID_ARGUMENT where the settings are of another network than the graph: not all of it shows in shapes. */
  check(graph: GraphHeader, id: string): void;
}

/** The settings in a folder of weights; none where there are none. Throws ERR_INVALID_ARGUMENT for files that cannot be used. */
export function readOwnSettings(kind: BundleKind, folder: string): Promise<OwnSettings> {
  return kind === 'clip' ? openClip(folder) : transformers(folder);
}

const OPEN_CLIP_CONFIG = 'open_clip_config.json';

async function openClip(folder: string): Promise<OwnSettings> {
  const { model_cfg: model = {}, preprocess_cfg: given = {} } = (await readSettings(folder, OPEN_CLIP_CONFIG)) as {
    model_cfg?: Json;
    preprocess_cfg?: Json;
  };
  const image = present({
    mean: given.mean,
    std: given.std,
    interpolation: given.interpolation,
    resizeMode: given.resize_mode,
    fill: given.fill_color,
  });
  const { quick_gelu: quickGelu } = model;
  return {
    fields: Object.keys(image).length > 0 ? { image } : {},
    quickGelu: typeof quickGelu === 'boolean' ? quickGelu : undefined,
    check({ config, manifest }, id) {
      requireSame(folder, OPEN_CLIP_CONFIG, id, model, config);
      requireSame(folder, OPEN_CLIP_CONFIG, id, present({ size: given.size }), { size: (manifest.image as Json).size });
    },
  };
}

/** Pillow's numbers. */
const INTERPOLATIONS: Record<number, string> = { 2: 'bilinear', 3: 'bicubic' };
/** What a captioner's pictures always go through. */
const STEPS = { do_resize: true, do_rescale: true, do_normalize: true };
/** Of `rescale_factor`, which is written with more or fewer digits. */
const ROUNDING = 1e-6;

async function transformers(folder: string): Promise<OwnSettings> {
  const config = await readSettings(folder, 'config.json');
  const processor = await readSettings(folder, PREPROCESSOR);
  const { resample, size, rescale_factor: factor = 1 / 255 } = processor;
  const fields = present({
    mean: processor.image_mean,
    std: processor.image_std,
    // An unknown one is refused with the manifest.
    interpolation: resample === undefined ? undefined : (INTERPOLATIONS[resample as number] ?? `resample ${resample}`),
  });
  return {
    fields: Object.keys(fields).length > 0 ? { vision: fields } : {},
    quickGelu: undefined,
    check({ config: ours, manifest }, id) {
      requireSame(folder, 'config.json', id, config, ours);
      const [height, width] = (manifest.vision as { size: [number, number] }).size;
      // Older processors have one number, of a square.
      const sides = typeof size === 'number' ? { height: size, width: size } : size;
      requireSame(folder, PREPROCESSOR, id, { ...processor, size: sides }, { ...STEPS, size: { height, width } });
      if (!(Math.abs(Number(factor) * 255 - 1) < ROUNDING)) {
        throw otherNetwork(path.join(folder, PREPROCESSOR), `rescale_factor ${JSON.stringify(factor)}`, id, '1/255');
      }
    },
  };
}

const PREPROCESSOR = 'preprocessor_config.json';

/** Compares each of their fields that we have too, in objects of objects as well. */
function requireSame(folder: string, file: string, id: string, theirs: Json, ours: Json, parent = ''): void {
  for (const [name, our] of Object.entries(ours)) {
    const their = theirs[name];
    if (their === undefined || isSame(their, our)) continue;
    if (isObject(their) && isObject(our)) requireSame(folder, file, id, their, our, `${parent}${name}.`);
    else throw otherNetwork(path.join(folder, file), `${parent}${name} ${JSON.stringify(their)}`, id, JSON.stringify(our));
  }
}

/** A size of one number is that of a square; what is off may be written as nothing. */
function isSame(their: unknown, our: unknown): boolean {
  if ([their, our].every((each) => each === null || each === false || each === '')) return true;
  const sides = (value: unknown, other: unknown): unknown => (typeof value === 'number' && Array.isArray(other) ? [value, value] : value);
  return isDeepStrictEqual(sides(their, our), sides(our, their));
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function otherNetwork(file: string, theirs: string, id: string, ours: string): InterrogatorError {
  return new InterrogatorError('ERR_INVALID_ARGUMENT', `${file} says ${theirs}, and ${id} has ${ours}.`, {
    hint: 'Name another architecture, or export the model with Python: npx torch-interrogator export',
  });
}

function present(fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}

async function readSettings(folder: string, name: string): Promise<Json> {
  const file = path.join(folder, name);
  try {
    const settings: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (settings === null || typeof settings !== 'object' || Array.isArray(settings)) throw new Error('it holds no object');
    return settings as Json;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${file} cannot be used: ${(cause as Error).message}.`, {
      hint: 'Get the file again, or take it away.',
      cause,
    });
  }
}
