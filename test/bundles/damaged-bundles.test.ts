/** Bundles that were changed after the export: every file is checked before any of it is used. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ConfigInput, Interrogator } from '../../lib';
import { tinyBlip, tinyClip } from '../support/bundles';

interface Manifest {
  formatVersion: number;
  files: Record<string, { bytes: number; sha256: string }>;
}

let work: string;
let bundles: { clip: string; caption: string };

beforeAll(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'damaged-'));
  bundles = { clip: await tinyClip(), caption: await tinyBlip() };
}, 300_000);

afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Creates an interrogator on a copy of the bundle that `change` has had its way with. */
async function createOnChanged(kind: 'clip' | 'caption', change: (folder: string) => void): Promise<Interrogator> {
  const folder = mkdtempSync(path.join(work, `${kind}-`));
  cpSync(bundles[kind], folder, { recursive: true });
  change(folder);
  const names: ConfigInput = { clipModelName: bundles.clip, captionModelName: bundles.caption };
  names[kind === 'clip' ? 'clipModelName' : 'captionModelName'] = folder;
  return Interrogator.create({ ...names, device: 'cpu', cachePath: null, quiet: true });
}

function filesOf(kind: 'clip' | 'caption'): string[] {
  return Object.keys((JSON.parse(readFileSync(path.join(bundles[kind], 'manifest.json'), 'utf8')) as Manifest).files);
}

function changeManifest(folder: string, change: (manifest: Manifest) => void): void {
  const file = path.join(folder, 'manifest.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  change(manifest);
  writeFileSync(file, JSON.stringify(manifest));
}

describe.each(['clip', 'caption'] as const)('a %s bundle', (kind) => {
  test('is refused for one flipped bit in any of its files, which the message names', async () => {
    expect(filesOf(kind).length).toBeGreaterThan(2);
    for (const file of filesOf(kind)) {
      const created = createOnChanged(kind, (folder) => {
        const bytes = readFileSync(path.join(folder, file));
        const middle = bytes.length >> 1;
        bytes[middle] = (bytes[middle] as number) ^ 1;
        writeFileSync(path.join(folder, file), bytes);
      });
      await expect(created).rejects.toMatchObject({
        code: 'ERR_BUNDLE_DAMAGED',
        message: expect.stringContaining(path.basename(file)),
      });
    }
  }, 120_000);

  test('is refused where any of its files is missing, which the message names', async () => {
    for (const file of filesOf(kind)) {
      const created = createOnChanged(kind, (folder) => rmSync(path.join(folder, file)));
      await expect(created).rejects.toMatchObject({
        code: 'ERR_BUNDLE_INCOMPLETE',
        message: expect.stringContaining(path.basename(file)),
      });
    }
  }, 120_000);

  test.each<[string, string, (folder: string) => void]>([
    ['a newer format', 'ERR_BUNDLE_VERSION', (folder) => changeManifest(folder, (manifest) => (manifest.formatVersion = 3))],
    ['no manifest', 'ERR_BUNDLE_NOT_FOUND', (folder) => rmSync(path.join(folder, 'manifest.json'))],
    ['half a manifest', 'ERR_BUNDLE_INVALID', (folder) => writeFileSync(path.join(folder, 'manifest.json'), '{"formatVersion": 1, ')],
  ])(
    'with %s is %s',
    async (_, code, change) => {
      await expect(createOnChanged(kind, change)).rejects.toMatchObject({ code });
    },
    60_000,
  );
});
