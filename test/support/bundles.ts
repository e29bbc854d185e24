/** Bundles for tests, exported once and kept in build/test-bundles until the exporter or its arguments change. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { acquireLock } from '../../lib/files/lock';
import { EXPORTER, REPOSITORY, runPython } from './python';

const WORK = path.join(REPOSITORY, 'build', 'test-bundles');
export const VOCABULARY = path.join(__dirname, 'vocabulary');

/** The folder for what goes into bundles: checkpoints and the like. It is there. */
export function bundleWork(): string {
  mkdirSync(WORK, { recursive: true });
  return WORK;
}

/**
 * The folder of a bundle with these weights. Processes that need the same one at once wait for the first. `cwd`: the folder that
 * the exporter runs in, named by what is in it.
 */
export async function exportBundle(
  kind: 'clip' | 'caption',
  name: string,
  args: readonly string[],
  { cwd }: { cwd?: string } = {},
): Promise<string> {
  const recipe = fingerprint([kind, name, ...args, ...(cwd === undefined ? [] : [path.basename(cwd)])]);
  const folder = path.join(bundleWork(), `${name.replaceAll('/', '_')}-${recipe}`);
  await once(folder, 'manifest.json', async () => {
    await runPython(['-m', 'torch_interrogator_export', kind, name, '--out', folder, ...args], { cwd });
  });
  return folder;
}

/**
 * A seeded CLIP of embedDim 32, for 32 × 32 pixels unless `config` names other towers, with CLIP's own tokenizer and the small vocabulary of
 * this folder.
 */
export function tinyClip({ seed = 1, vocabulary = VOCABULARY, config = 'tiny-clip' } = {}): Promise<string> {
  const file = path.join(EXPORTER, 'tests', 'data', `${config}.json`);
  return exportBundle('clip', `${config}/`, [...['--config', file, '--untrained', '--seed', String(seed), '--vocabulary', vocabulary]]);
}

/** A seeded BLIP captioner of two layers, with BERT's own tokenizer. */
export async function tinyBlip({ seed = 0 } = {}): Promise<string> {
  const script = path.join(EXPORTER, 'tests', 'make_tiny_blip.py');
  const source = path.join(bundleWork(), `tiny-blip-source-${fingerprint([readFileSync(script, 'utf8'), String(seed)])}`);
  await once(source, 'preprocessor_config.json', async () => {
    await runPython([script, source, String(seed)]);
  });
  return exportBundle('caption', 'tiny-blip', ['--checkpoint', source]);
}

/** Does the work where `folder` lacks the file that it writes last; never twice at once. */
export async function once(folder: string, lastFile: string, work: () => Promise<void>): Promise<void> {
  const made = (): boolean => existsSync(path.join(folder, lastFile));
  if (made()) return;
  const release = await acquireLock(`${folder}.lock`);
  try {
    if (!made()) await work();
  } finally {
    await release();
  }
}

/** Of the arguments, the files that they name, and the exporter's own source. */
export function fingerprint(args: readonly string[]): string {
  const hash = createHash('sha256');
  for (const arg of args) hash.update(arg.startsWith(REPOSITORY) ? path.relative(REPOSITORY, arg) : arg).update('\0');
  for (const arg of args) if (arg.startsWith(REPOSITORY)) hashFiles(hash, arg);
  hashFiles(hash, path.join(EXPORTER, 'torch_interrogator_export'));
  return hash.digest('hex').slice(0, 12);
}

function hashFiles(hash: ReturnType<typeof createHash>, location: string): void {
  if (!existsSync(location)) return;
  if (/\.(py|json|txt)$/.test(location)) hash.update(readFileSync(location));
  else if (!path.extname(location) || location.endsWith('vocabulary')) {
    for (const name of readdirSync(location).sort()) {
      if (name !== '__pycache__') hashFiles(hash, path.join(location, name));
    }
  }
}
