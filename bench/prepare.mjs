/** What both sides run on, made once and kept in build/bench: the same weights, bundles of them, images, folders for label embeddings. */
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { EXPORTER } from '../scripts/exporter-python.mjs';
import { BUILD, fingerprint, once, quietly, ROOT, title } from '../scripts/step.mjs';

export const WORK = path.join(BUILD, 'bench');
const EXPORTER_SOURCES = ['models/export/torch_interrogator_export', 'models/export/requirements.lock'];
const WEIGHTS_SOURCES = ['test/parity/reference/models.py', 'models/export/requirements.lock'];
const SEED = 5;
const IMAGES = 64;

/**
 * `clip` and `caption` (null for none) each say where ours finds its bundle and what the peer's `load` takes; `cache` is
 * the folder of label embeddings that both read. `options`: of the command line, see options.mjs.
 */
export async function prepare(peer, python, options) {
  const clip = await prepareClip(peer, python, options);
  const caption = options.caption === 'none' ? null : await prepareCaption(peer, python, options);
  return { clip, caption, cache: path.join(clip.folder, 'cache'), images: await prepareImages(peer) };
}

async function prepareClip(peer, python, { model, checkpoint, clipConfig: config = null, vocabulary }) {
  const name = model.includes('/') ? model : `${model}/`;
  const prepared = await prepareModel(python, {
    ...{ kind: 'clip', name, checkpoint, config, vocabulary },
    published: !name.endsWith('/') && !checkpoint,
    draw: (file) => peer.call('make_clip_checkpoint', { file, clip: { name, seed: SEED, config } }),
  });
  return { ...prepared, reference: { name, ...(prepared.checkpoint && { checkpoint: prepared.checkpoint, config }) } };
}

async function prepareCaption(peer, python, { model, checkpoint: clipCheckpoint, caption, captionCheckpoint }) {
  const prepared = await prepareModel(python, {
    ...{ kind: 'caption', name: caption, checkpoint: captionCheckpoint },
    published: /\/./.test(model) && !clipCheckpoint && !captionCheckpoint,
    draw: (folder) => peer.call('make_blip_checkpoint', { folder, size: caption.replace('blip-', ''), seed: SEED, endless: true }),
  });
  return { ...prepared, reference: prepared.checkpoint ?? null };
}

/** A bundle of published weights, of a checkpoint, or of one that `draw` makes. */
async function prepareModel(python, { kind, name, checkpoint, config, vocabulary, published, draw }) {
  const recipe = fingerprint(WEIGHTS_SOURCES, [name, checkpoint, config, published, SEED, checkpoint && statSync(checkpoint).mtimeMs]);
  const folder = path.join(WORK, `${name.replaceAll('/', '_')}-${recipe.slice(0, 12)}`);
  const weights = checkpoint ?? (published ? undefined : path.join(folder, 'weights'));
  if (weights && !checkpoint) {
    await made(folder, weights, recipe, () => {
      title(`Drawing random weights for ${name}`);
      return draw(weights);
    });
  }
  const bundle = path.join(folder, 'bundle');
  const given = Object.entries({ checkpoint: weights, config, vocabulary }).filter(([, value]) => value);
  const args = given.flatMap(([option, value]) => [`--${option}`, value]);
  const lists = vocabulary ? [path.relative(ROOT, vocabulary)] : [];
  await made(folder, path.join(bundle, 'manifest.json'), fingerprint([...EXPORTER_SOURCES, ...lists], args), async () => {
    title(`Exporting ${name}`);
    await quietly(`bench-export-${kind}`, python, ['-m', 'torch_interrogator_export', kind, name, '--out', bundle, ...args], {
      env: { PYTHONPATH: EXPORTER, PYTHONIOENCODING: 'utf-8' },
      fail: `${name} could not be exported.`,
    });
  });
  return { name, folder, bundle, checkpoint: weights };
}

/** The weights of prepare()'s `clip`, which is a ViT-B-32-quickgelu, as a folder that transformers loads. */
export async function prepareTransformersClip(peer, { folder, checkpoint }) {
  const target = path.join(folder, 'transformers');
  const input = fingerprint([...WEIGHTS_SOURCES, 'bench/peer/transformers_clip.py'], [checkpoint]);
  await made(folder, path.join(target, 'preprocessor_config.json'), input, async () => {
    title('Writing the weights as transformers has them');
    await peer.call('make_transformers_clip', { weights: checkpoint, folder: target });
  });
  return target;
}

/** Paths of images of one size, all different. */
export async function prepareImages(peer) {
  const folder = path.join(WORK, 'images');
  const files = Array.from({ length: IMAGES }, (_, number) => path.join(folder, `${String(number).padStart(3, '0')}.jpg`));
  await made(folder, files.at(-1), fingerprint(['bench/peer/material.py'], [IMAGES]), async () => {
    title(`Making ${IMAGES} images`);
    await peer.call('make_images', { folder, count: IMAGES, seed: SEED });
  });
  return files;
}

async function made(folder, output, input, work) {
  mkdirSync(folder, { recursive: true });
  const name = `bench-${path.basename(folder)}-${path.basename(output)}`;
  await once(name, { input, outputs: [path.relative(ROOT, output)] }, work);
}
