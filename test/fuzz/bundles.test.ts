/** Bundles with changed bytes, hashes set right in half of them: each loads and answers, or is refused with a typed error. */
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Interrogator } from '../../lib';
import { testImage } from '../support/images';
import { fuzz, outcome } from './support/fuzz';
import { mutated } from './support/random';

const SAMPLE = path.join(__dirname, '..', '..', 'models', 'sample');
type Files = Record<string, { bytes: number; sha256: string }>;

test('changed bundles load, or are refused by what is wrong with them', async () => {
  const work = mkdtempSync(path.join(tmpdir(), 'fuzz-bundles-'));
  const seen = new Map<string, number>();
  try {
    await fuzz('bundles', { seconds: 8, least: 20 }, async (random, number) => {
      const kind = random.pick(['clip', 'caption'] as const);
      const folder = path.join(work, String(number));
      cpSync(path.join(SAMPLE, kind), folder, { recursive: true });
      const manifest = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as { files: Files };
      const file = random.pick(['manifest.json', ...Object.keys(manifest.files)]);
      const bytes = mutated(readFileSync(path.join(folder, file)), random);
      writeFileSync(path.join(folder, file), bytes);
      if (file !== 'manifest.json' && random.chance(0.7)) {
        manifest.files[file] = { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
        writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
      }
      const names = { clipModelName: kind === 'clip' ? folder : 'sample', captionModelName: kind === 'caption' ? folder : null };
      const { value: made, code } = await outcome(() =>
        Interrogator.create({ ...names, device: 'cpu', threads: 1, cachePath: null, quiet: true, flavorIntermediateCount: 16 }),
      );
      seen.set(code ?? 'loaded', (seen.get(code ?? 'loaded') ?? 0) + 1);
      if (made) {
        await outcome(() => (kind === 'clip' ? made.interrogateFast(testImage(1), { caption: 'a' }) : made.generateCaption(testImage(1))));
        await made.dispose();
      }
      rmSync(folder, { recursive: true });
    });
    expect([...seen.keys()]).toContain('ERR_BUNDLE_INVALID');
  } finally {
    rmSync(work, { recursive: true });
  }
});
