/** Label caches, damaged at random in any byte: told of and made again, and never answered from. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Features, Interrogator, LabelTable, type RankedLabel } from '../../lib';
import { tinyClip } from '../support/bundles';
import { testImage } from '../support/images';
import { answered, fuzz } from './support/fuzz';
import { mutated } from './support/random';

const LABELS = Array.from(
  { length: 40 },
  (_, i) => `${['red', 'green', 'blue', 'cold'][i % 4]} ${['cat', 'sea', 'road', 'hat'][i >> 2] ?? i}`,
);

let cachePath: string;
let ours: Interrogator;
let image: Features;
beforeAll(async () => {
  cachePath = mkdtempSync(path.join(tmpdir(), 'label-caches-'));
  ours = await Interrogator.create({ clipModelName: await tinyClip(), captionModelName: null, device: 'cpu', cachePath, quiet: true });
  image = await ours.imageToFeatures(testImage(1));
}, 600_000);
afterAll(async () => {
  await ours?.dispose();
  rmSync(cachePath, { recursive: true, force: true });
});

async function ranked(): Promise<RankedLabel[]> {
  const table = await LabelTable.create(LABELS, 'things', ours);
  return table.rankScored(image, { topCount: LABELS.length });
}

test('a damaged label cache is told of and made again', async () => {
  const file = path.join(cachePath, 'tiny-clip__things.safetensors');
  const expected = await ranked();
  const sound = readFileSync(file);
  const emit = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  try {
    await fuzz('label-caches', { seconds: 5 }, async (random) => {
      const bytes = mutated(sound, random);
      writeFileSync(file, bytes);
      emit.mockClear();
      expect(await answered(ranked())).toEqual(expected);
      expect(readFileSync(file).equals(sound)).toBe(true);
      const told = emit.mock.calls.map(([, options]) => (options as { code: string }).code);
      expect(told).toEqual(bytes.equals(sound) ? [] : ['ERR_LABELS_DAMAGED']);
      expect(existsSync(`${file}.damaged`)).toBe(true);
    });
  } finally {
    emit.mockRestore();
  }
});

test("a damaged cache of clip-interrogator's, which has no checksum, is used only where every row is a direction", async () => {
  const file = path.join(cachePath, 'tiny-clip__theirs.safetensors');
  await LabelTable.create(LABELS, 'theirs', ours);
  const sealed = readFileSync(file);
  const size = Number(sealed.readBigUInt64LE());
  const header = sealed
    .toString('latin1', 8, 8 + size)
    .replace(/"__metadata__":\{[^}]*\},/, '')
    .padEnd(size);
  const sound = Buffer.concat([sealed.subarray(0, 8), Buffer.from(header, 'latin1'), sealed.subarray(8 + size)]);
  const emit = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  try {
    await fuzz('their-label-caches', { seconds: 3 }, async (random) => {
      writeFileSync(file, mutated(sound, random));
      const table = await answered(LabelTable.create(LABELS, 'theirs', ours));
      const ranked = await table.rankScored(image, { topCount: LABELS.length });
      expect(ranked.map(({ label }) => label).sort()).toEqual([...LABELS].sort());
      expect(ranked.every(({ similarity }) => Math.abs(similarity) < 1.01)).toBe(true);
    });
  } finally {
    emit.mockRestore();
  }
});
