/** A data folder has whichever term lists it has: what uses one that is missing says so, everything else works. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ConfigInput, Interrogator } from '../../lib';
import { Random } from '../fuzz/support/random';
import { tinyClip, VOCABULARY } from '../support/bundles';
import { testImage } from '../support/images';

const LISTS = ['artists', 'flavors', 'mediums', 'movements', 'negative'] as const;
const NEEDED = {
  fast: LISTS.slice(0, 4),
  classic: LISTS.slice(0, 4),
  best: LISTS.slice(0, 4),
  negative: ['flavors', 'negative'],
  caption: [],
};

let work: string;
let settings: ConfigInput;
beforeAll(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'term-lists-'));
  settings = { clipModelName: await tinyClip(), captionModelName: null, device: 'cpu', cachePath: path.join(work, 'cache'), quiet: true };
}, 600_000);
afterAll(() => rmSync(work, { recursive: true, force: true }));

test('each mode needs its own lists and no others', async () => {
  const random = new Random(11);
  for (let number = 0; number < 8; number += 1) {
    const there = LISTS.filter((_, place) => (number === 0 ? place === 1 : random.chance(0.7)));
    const dataPath = mkdtempSync(path.join(work, 'data-'));
    for (const name of there) copyFileSync(path.join(VOCABULARY, `${name}.txt`), path.join(dataPath, `${name}.txt`));
    if (there.length === 0) continue;
    await using ours = await Interrogator.create({ ...settings, dataPath });
    for (const [mode, needed] of Object.entries(NEEDED)) {
      const call = ours.describe(testImage(1), { mode: mode as 'fast', caption: 'a cat', maxFlavors: 2 });
      const missing = needed.find((name) => !there.includes(name as 'flavors'));
      if (!missing) expect(typeof (await call).prompt).toBe('string');
      else {
        await expect(call).rejects.toMatchObject({
          code: 'ERR_VOCABULARY_NOT_FOUND',
          message: expect.stringContaining(`${missing}.txt, which ${dataPath}`),
        });
      }
    }
    await ours.prepare();
  }
});

test('a folder with no list at all, and one that is not there, are refused at once', async () => {
  for (const dataPath of [mkdtempSync(path.join(work, 'empty-')), path.join(work, 'none')]) {
    await expect(Interrogator.create({ ...settings, dataPath })).rejects.toMatchObject({ code: 'ERR_VOCABULARY_NOT_FOUND' });
  }
});

test('a list that is there and no text is refused at once, used or not', async () => {
  const dataPath = mkdtempSync(path.join(work, 'broken-'));
  copyFileSync(path.join(VOCABULARY, 'flavors.txt'), path.join(dataPath, 'flavors.txt'));
  writeFileSync(path.join(dataPath, 'movements.txt'), Buffer.from('caf\xe9\n', 'latin1'));
  await expect(Interrogator.create({ ...settings, dataPath })).rejects.toMatchObject({ code: 'ERR_VOCABULARY_INVALID' });
});
