/** What lies beside a file of weights and says how it is to be run: the settings of open_clip, and those of transformers. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { BundleKind } from '../bundles/catalog';
import { InterrogatorError } from '../errors';

type Json = Record<string, unknown>;

export interface OwnSettings {
  /** Fields of the manifest that differ from the graph's. */
  fields: Json;
  /** The weights were trained with QuickGELU. */
  quickGelu: boolean;
  /** Throws ERR_INVALID_ARGUMENT where the settings are of another network than the graph: not all of it shows in shapes. */
  check(graph: Json, id: string): void;
}

/** The settings in a folder of weights; none where there are none. Throws ERR_INVALID_ARGUMENT for files that cannot be used. */
export function ownFields(kind: BundleKind, folder: string): Promise<OwnSettings> {
  return kind === 'clip' ? openClip(folder) : transformers(folder);
}

async function openClip(folder: string): Promise<OwnSettings> {
  const { model_cfg: model = {}, preprocess_cfg: given = {} } = (await readSettings(folder, 'open_clip_config.json')) as {
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
  return {
    fields: Object.keys(image).length > 0 ? { image } : {},
    quickGelu: model.quick_gelu === true,
    check({ embedDim, image = {}, text = {} }, id) {
      const [images, texts] = [image as Json, text as Json];
      const { image_size: size } = (model.vision_cfg ?? {}) as Json;
      const { heads, layers, context_length: context } = (model.text_cfg ?? {}) as Json;
      requireSame(folder, 'open_clip_config.json', id, [
        ['embed_dim', model.embed_dim, embedDim],
        ['vision_cfg.image_size', Array.isArray(size) ? size[0] : size, (images.size as number[] | undefined)?.[0]],
        ['text_cfg.heads', heads, texts.heads],
        ['text_cfg.layers', layers, texts.layers],
        ['text_cfg.context_length', context, texts.contextLength],
      ]);
    },
  };
}

/** Pillow's numbers. */
const INTERPOLATIONS: Record<number, string> = { 2: 'bilinear', 3: 'bicubic' };

async function transformers(folder: string): Promise<OwnSettings> {
  const config = await readSettings(folder, 'config.json');
  const processor = await readSettings(folder, 'preprocessor_config.json');
  const text = (config.text_config ?? {}) as Json;
  const vision = (config.vision_config ?? {}) as Json;
  const fields = present({
    mean: processor.image_mean,
    std: processor.image_std,
    // An unknown one is refused with the manifest.
    interpolation:
      processor.resample === undefined ? undefined : (INTERPOLATIONS[processor.resample as number] ?? `resample ${processor.resample}`),
  });
  return {
    fields: Object.keys(fields).length > 0 ? { vision: fields } : {},
    quickGelu: false,
    check(graph, id) {
      const { decoder = {}, vision: images = {} } = graph as { decoder?: Json; vision?: Json };
      requireSame(folder, 'config.json', id, [
        ['model_type', config.model_type, graph.family],
        ['text_config.num_attention_heads', text.num_attention_heads, decoder.heads],
        ['text_config.num_hidden_layers', text.num_hidden_layers, decoder.layers],
        ['vision_config.image_size', vision.image_size, (images.size as number[] | undefined)?.[0]],
      ]);
    },
  };
}

function requireSame(folder: string, file: string, id: string, pairs: [field: string, theirs: unknown, ours: unknown][]): void {
  const wrong = pairs.find(([, theirs, ours]) => theirs !== undefined && theirs !== ours);
  if (!wrong) return;
  const [field, theirs, ours] = wrong;
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${path.join(folder, file)} says ${field} ${theirs}, and ${id} has ${ours}.`, {
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
