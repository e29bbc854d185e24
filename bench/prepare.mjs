/** What both sides run on, made once and kept in build/bench: the same weights, bundles of them, images, folders for label embeddings. */
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { EXPORTER } from '../scripts/exporter-python.mjs';
import { BUILD, fingerprint, once, quietly, title } from '../scripts/step.mjs';

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
  mkdirSync(WORK, { recursive: true });
  const clip = await prepareClip(peer, python, options);
  const caption = options.caption === 'none' ? null : await prepareCaption(peer, python, options);
  return { clip, caption, cache: path.join(clip.folder, 'cache'), images: await prepareImages(peer) };
}

async function prepareClip(peer, python, { model, checkpoint, clipConfig, vocabulary }) {
  const name = model.includes('/') ? model : `${model}/`;
  const published = !name.endsWith('/') && !checkpoint;
  const config = clipConfig ?? null;
  const recipe = [name, checkpoint ?? null, config, published, SEED];
  const folder = workFolder(name, fingerprint(WEIGHTS_SOURCES, [...recipe, checkpoint && statSync(checkpoint).mtimeMs]));
  let file = checkpoint;
  if (!checkpoint && !published) {
    file = path.join(folder, 'weights.pt');
    await made(folder, file, fingerprint(WEIGHTS_SOURCES, recipe), async () => {
      title(`Drawing random weights for ${name}`);
      await peer.call('make_clip_checkpoint', { file, clip: { name, seed: SEED, config } });
    });
  }
  const bundle = await exportBundle(python, { kind: 'clip', name, folder, checkpoint: file, config, vocabulary });
  return { name, folder, bundle, reference: { name, ...(file && { checkpoint: file, config }) } };
}

async function prepareCaption(peer, python, { model, checkpoint: clipCheckpoint, caption, captionCheckpoint }) {
  const published = /\/./.test(model) && !clipCheckpoint && !captionCheckpoint;
  const recipe = [caption, captionCheckpoint ?? null, published, SEED];
  const folder = workFolder(caption, fingerprint(WEIGHTS_SOURCES, recipe));
  let checkpoint = captionCheckpoint;
  if (!checkpoint && !published) {
    checkpoint = path.join(folder, 'weights');
    await made(folder, checkpoint, fingerprint(WEIGHTS_SOURCES, recipe), async () => {
      title(`Drawing random weights for ${caption}`);
      mkdirSync(checkpoint, { recursive: true });
      const size = caption.replace('blip-', '');
      await peer.call('make_blip_checkpoint', { folder: checkpoint, size, seed: SEED, endless: true });
    });
  }
  const bundle = await exportBundle(python, { kind: 'caption', name: caption, folder, checkpoint });
  return { name: caption, folder, bundle, reference: checkpoint ?? null };
}

async function exportBundle(python, { kind, name, folder, checkpoint, config, vocabulary }) {
  const bundle = path.join(folder, 'bundle');
  const given = { checkpoint, config, vocabulary };
  const args = Object.entries(given).flatMap(([option, value]) => (value ? [`--${option}`, value] : []));
  const lists = vocabulary ? [vocabulary] : [];
  await made(folder, path.join(bundle, 'manifest.json'), fingerprint([...EXPORTER_SOURCES, ...lists.map(relative)], args), async () => {
    title(`Exporting ${name}`);
    await quietly(`bench-export-${kind}`, python, ['-m', 'torch_interrogator_export', kind, name, '--out', bundle, ...args], {
      env: { PYTHONPATH: EXPORTER, PYTHONIOENCODING: 'utf-8' },
      fail: `${name} could not be exported.`,
    });
  });
  return bundle;
}

/** Paths of images of one size, all different. */
async function prepareImages(peer) {
  const folder = path.join(WORK, 'images');
  const last = path.join(folder, `${String(IMAGES - 1).padStart(3, '0')}.jpg`);
  await made(folder, last, fingerprint(['bench/peer/material.py'], [IMAGES]), async () => {
    title(`Making ${IMAGES} images`);
    await peer.call('make_images', { folder, count: IMAGES, seed: SEED });
  });
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jpg'))
    .sort()
    .map((name) => path.join(folder, name));
}

async function made(folder, output, input, work) {
  mkdirSync(folder, { recursive: true });
  const name = `bench-${path.basename(folder)}-${path.basename(output)}`;
  await once(name, { input, outputs: [relative(output)] }, work);
}

function workFolder(name, recipe) {
  return path.join(WORK, `${name.replaceAll('/', '_')}-${recipe.slice(0, 12)}`);
}

function relative(file) {
  return path.relative(path.dirname(BUILD), file);
}
