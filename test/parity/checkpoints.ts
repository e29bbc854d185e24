/** Weights that the parity tests share: drawn by the reference once, whichever test needs them first. */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { bundleWork, fingerprint, once } from '../support/bundles';
import { EXPORTER } from '../support/python';
import type { Reference } from './reference';

const RECIPES = path.join(__dirname, 'reference', 'models.py');

const CAPTIONERS = path.join(EXPORTER, 'tests', 'tiny_captioners.py');

export type CaptionerKind = 'blip' | 'opt' | 't5' | 'git';

/** The transformers folder of a small captioner of a kind, with random weights. */
export async function captionerCheckpoint(reference: Reference, kind: CaptionerKind, seed: number): Promise<string> {
  const folder = path.join(bundleWork(), `captioner-${kind}-${seed}-${fingerprint([readFileSync(CAPTIONERS, 'utf8')])}`);
  await once(folder, 'preprocessor_config.json', async () => {
    mkdirSync(folder, { recursive: true });
    await reference.call('make_captioner', { folder, kind, seed });
  });
  return folder;
}

/** The transformers folder of a BLIP of that size with random weights. */
export async function blipCheckpoint(reference: Reference, size: 'small' | 'medium' | 'base', seed: number): Promise<string> {
  const folder = path.join(bundleWork(), `blip-${size}-${seed}-${fingerprint([readFileSync(RECIPES, 'utf8')])}`);
  await once(folder, 'made.json', async () => {
    mkdirSync(folder, { recursive: true });
    await reference.call('make_blip_checkpoint', { folder, size, seed });
  });
  return folder;
}
