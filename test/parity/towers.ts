/** Small models of every kind of text tower: open_clip configs, and the tokenizers and encoders that those name. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleWork, fingerprint, once } from '../support/bundles';
import { hubTokenizers } from '../support/tokenizers';

const TOWERS = path.join(__dirname, 'reference', 'towers');
const ENCODERS = path.join(TOWERS, 'encoders');

/** The exporter knows the special tokens of a repository by its name, so the small tokenizers go by the names of published ones. */
const TOKENIZERS = {
  roberta: 'roberta-base',
  mt5: 'google/mt5-base',
  bert: 'bert-base-uncased',
  siglip: 'timm/ViT-B-16-SigLIP',
  gemma: 'timm/ViT-B-32-SigLIP2-256',
};

export type TowerName = 'roberta' | 'mt5' | 'coca' | 'clipa' | 'siglip' | 'siglip2';

/** What the reference's build_clip takes of a tower. */
export function towerModel(tower: TowerName, seed: number): { name: string; seed: number; config: string } {
  return { name: `tiny-${tower}/`, seed, config: path.join(TOWERS, `tiny-${tower}.json`) };
}

/**
 * A folder in which the names that the configs have are folders: open_clip and transformers take a folder of that name rather than
 * ask the hub, where they run in it.
 */
export async function towersFolder(): Promise<string> {
  const tokenizers = await hubTokenizers();
  const encoders = readdirSync(ENCODERS);
  const recipe = [path.basename(tokenizers), JSON.stringify(TOKENIZERS), ...encoders.map((file) => path.join(ENCODERS, file))];
  const folder = path.join(bundleWork(), `towers-${fingerprint(recipe)}`);
  await once(folder, 'README.md', async () => {
    for (const [kind, repository] of Object.entries(TOKENIZERS)) {
      cpSync(path.join(tokenizers, kind), path.join(folder, repository), { recursive: true });
    }
    for (const file of encoders) {
      const encoder = path.join(folder, 'encoders', path.parse(file).name);
      mkdirSync(encoder, { recursive: true });
      cpSync(path.join(ENCODERS, file), path.join(encoder, 'config.json'));
    }
    // The last file, which says that all are there.
    writeFileSync(path.join(folder, 'README.md'), '# Small tokenizers and encoders\n');
  });
  return folder;
}

const EVERY = { artists: 100, flavors: 250, mediums: 3, movements: 4, negative: 1 };

/** Writes clip-interrogator's term lists into a folder, thinned out. */
export function writeThinVocabulary(whole: string, folder: string): void {
  for (const [name, every] of Object.entries(EVERY)) {
    const lines = readFileSync(path.join(whole, `${name}.txt`), 'utf8').split('\n');
    writeFileSync(path.join(folder, `${name}.txt`), lines.filter((_, i) => i % every === 0).join('\n'));
  }
}
