/** The check of a bundle's files by size and SHA-256. Each kind of damage to whole bundles is in damaged-bundles.test.ts. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Bundle } from '../../lib/bundles/bundle';
import { verifyFiles } from '../../lib/bundles/verify';
import { Random } from '../fuzz/support/random';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'verify-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function bundle(contents: Record<string, Buffer>): Bundle {
  const files = Object.entries(contents).map(([name, bytes]) => {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), bytes);
    return [name, { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }];
  });
  return { folder, manifest: { files: Object.fromEntries(files) } as never };
}

test.each([0, 1, 63, 64, 65, 131_071, 131_072, 131_073, 3_000_000])(
  'a file of %d bytes is sound until one bit of it is not',
  async (length) => {
    const random = new Random(7, length);
    const bytes = random.bytes(length);
    const sound = bundle({ 'a/b': bytes, other: Buffer.from('x') });
    await verifyFiles(sound, { hashes: true });
    if (length > 0) {
      const at = random.below(length);
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
      writeFileSync(path.join(folder, 'a/b'), bytes);
      await expect(verifyFiles(sound, { hashes: true })).rejects.toMatchObject({
        code: 'ERR_BUNDLE_DAMAGED',
        message: expect.stringContaining('a/b'),
      });
      await verifyFiles(sound, { hashes: false });
    }
    writeFileSync(path.join(folder, 'a/b'), Buffer.concat([bytes, Buffer.alloc(1)]));
    await expect(verifyFiles(sound, { hashes: true })).rejects.toMatchObject({ code: 'ERR_BUNDLE_DAMAGED' });
    rmSync(path.join(folder, 'a'), { recursive: true });
    for (const hashes of [true, false])
      await expect(verifyFiles(sound, { hashes })).rejects.toMatchObject({ code: 'ERR_BUNDLE_INCOMPLETE' });
  },
);

test('the event loop goes on while large files are hashed, and an abort ends it', async () => {
  const bytes = Buffer.alloc(200e6, 7);
  const large = bundle({ large: bytes });
  const started = performance.now();
  createHash('sha256').update(bytes).digest();
  const whole = performance.now() - started;
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await verifyFiles(large, { hashes: true });
  clearInterval(timer);
  expect(turns).toBeGreaterThan(30);
  const controller = new AbortController();
  const aborted = performance.now();
  setTimeout(() => controller.abort(new Error('enough')), 1);
  await expect(verifyFiles(large, { hashes: true, signal: controller.signal })).rejects.toMatchObject({
    code: 'ERR_ABORTED',
    cause: { message: 'enough' },
  });
  expect(performance.now() - aborted).toBeLessThan(Math.max(whole, 100));
});
