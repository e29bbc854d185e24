/** Weights that the parity tests share: drawn by the reference once, whichever test needs them first. */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { bundleWork, fingerprint, once } from '../support/bundles';
import type { Reference } from './reference';

const RECIPES = path.join(__dirname, 'reference', 'models.py');

/** The transformers folder of a BLIP of that size with random weights. */
export async function blipCheckpoint(reference: Reference, size: 'small' | 'medium' | 'base', seed: number): Promise<string> {
  const folder = path.join(bundleWork(), `blip-${size}-${seed}-${fingerprint([readFileSync(RECIPES, 'utf8')])}`);
  await once(folder, 'made.json', async () => {
    mkdirSync(folder, { recursive: true });
    await reference.call('make_blip_checkpoint', { folder, size, seed });
  });
  return folder;
}
