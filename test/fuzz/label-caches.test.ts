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
    await fuzz('label-caches', { seconds: 8 }, async (random) => {
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
