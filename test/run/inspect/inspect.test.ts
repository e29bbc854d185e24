/** The doctor of a set finds what was planted: copies, near copies, a stranger, a wrong caption, a shared term. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { type Interrogator, inspectFolder, runFolder, writeInspection } from '../../../lib';
import { Interrogator as Interrogators } from '../../../lib/interrogator/interrogator';
import { Groups } from '../../../lib/run/inspect/groups';
import { findNeighbours } from '../../../lib/run/inspect/neighbours';
import { Random } from '../../fuzz/support/random';
import { encoded } from '../support/picture-set';

const IMAGES = path.join(__dirname, '..', '..', '..', 'models', 'sample', 'images');

let work: string;
let set: string;
let interrogator: Interrogator;
beforeAll(async () => {
  interrogator = await Interrogators.create({
    clipModelName: 'sample',
    captionModelName: 'sample',
    device: 'cpu',
    cachePath: null,
    quiet: true,
  });
  work = mkdtempSync(path.join(os.tmpdir(), 'inspect-'));
  set = path.join(work, 'set');
  mkdirSync(set);
});
afterAll(async () => {
  rmSync(work, { recursive: true, force: true });
  await interrogator.dispose();
});

describe('a set', () => {
  beforeAll(async () => {
    for (const name of readdirSync(IMAGES).filter((each) => each.endsWith('.png')))
      copyFileSync(path.join(IMAGES, name), path.join(set, name));
    copyFileSync(path.join(IMAGES, 'apple.png'), path.join(set, 'apple copy.png'));
    const rocket = sharp(path.join(IMAGES, 'rocket.png'));
    await rocket.clone().jpeg({ quality: 85 }).toFile(path.join(set, 'rocket.jpg'));
    await rocket.clone().resize(300).webp().toFile(path.join(set, 'rocket small.webp'));
    const { width = 0, height = 0 } = await rocket.metadata();
    const crop = {
      left: Math.round(width * 0.02),
      top: Math.round(height * 0.02),
      width: Math.round(width * 0.96),
      height: Math.round(height * 0.96),
    };
    await rocket.clone().extract(crop).png().toFile(path.join(set, 'rocket cropped.png'));
    writeFileSync(path.join(set, 'noise.png'), await encoded(3, 'png'));
    writeFileSync(path.join(set, 'gone.png'), await encoded(4, 'png'));
    writeFileSync(path.join(set, 'broken.png'), 'no picture');
    for (const [name, text] of Object.entries({ apple: 'a red apple', rocket: 'a rocket', 'cat-and-pizza': 'a rocket' }))
      writeFileSync(path.join(set, `${name}.txt`), text);
    await runFolder(set, { interrogators: [interrogator], task: { kind: 'interrogate', modes: ['fast'], caption: 'sks icon' } }).finish();
    rmSync(path.join(set, 'gone.png'));
  });

  test('what is twice, what looks the same, what is unlike, what does not fit, what all share', async () => {
    const found = await inspectFolder(set, { interrogator });
    expect(found).toMatchObject({ pictures: 8, gone: 1, failed: 1 });
    expect(found.duplicates).toEqual([['apple copy.png', 'apple.png']]);
    expect(found.nearDuplicates.map(({ names }) => names)).toEqual([
      ['rocket cropped.png', 'rocket small.webp', 'rocket.jpg', 'rocket.png'],
    ]);
    expect(found.nearDuplicates[0]?.similarity).toBeGreaterThan(0.97);
    // Of the others the nearest two are below the threshold by far.
    expect(found.unlike.filter(({ name }) => !name.startsWith('rocket')).every(({ similarity }) => similarity < 0.95)).toBe(true);
    expect(found.unlike.slice(-4).every(({ name }) => name.startsWith('rocket'))).toBe(true);
    expect(found.captions).toMatchObject({
      count: 4,
      worst: [{ name: 'cat-and-pizza.png', text: 'a rocket' }, expect.anything(), expect.anything(), expect.anything()],
    });
    expect(found.shared[0]).toEqual({ term: 'sks icon', share: 1 });
    expect(found.coverage.effectiveTerms).toBeLessThanOrEqual(found.coverage.terms);
    expect(await inspectFolder(set, { interrogator })).toEqual(found);
  });

  test('as a page: whole, escaped, with nothing from elsewhere', async () => {
    const found = await inspectFolder(set, { interrogator });
    const file = path.join(work, 'page.html');
    await writeInspection(file, '</title><script>alert(1)</script>', {
      ...found,
      unlike: [{ name: '<img src=x onerror=alert(1)>', nearest: '"', similarity: 0.5 }],
    });
    const page = readFileSync(file, 'utf8');
    expect(page).not.toMatch(/<script|<img|https?:/);
    expect(page).toContain('&lt;img src=x');
  });
});

test('a folder that no run was over, and features of another model, say what to do', async () => {
  await expect(inspectFolder(work, { interrogator })).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    hint: expect.stringContaining('features'),
  });
});

test.each([1, 2, 700, 2100])('%i rows are compared as one by one', async (count) => {
  const dim = interrogator.embedDim;
  const random = new Random(1, count);
  const rows = Array.from({ length: count }, () => {
    const few = Float32Array.from({ length: dim }, (_, i) => (i < 3 ? random.next() - 0.5 : 0));
    const length = Math.hypot(...few);
    return few.map((value) => value / length);
  });
  const read = async (places: readonly number[]): Promise<Float32Array> => {
    const all = new Float32Array(places.length * dim);
    for (const [i, place] of places.entries()) all.set(rows[place] as Float32Array, i * dim);
    return all;
  };
  const places = rows.map((_, place) => place);
  const threshold = 0.9999;
  const found = await findNeighbours({ dim, count, read }, places, interrogator, { threshold, signal: new AbortController().signal });
  const dot = (a: number, b: number): number => [0, 1, 2].reduce((sum, i) => sum + (rows[a]?.[i] as number) * (rows[b]?.[i] as number), 0);
  const groups = new Groups(count);
  let sum = 0;
  for (const a of places) {
    let best = -1;
    for (const b of places) {
      if (a === b) continue;
      const value = dot(a, b);
      best = Math.max(best, value);
      sum += value / 2;
      if (a < b && value >= threshold) groups.join(a, b);
    }
    if (count > 1) expect(Math.abs(best - dot(a, found.nearest[a] as number))).toBeLessThan(1e-5);
  }
  expect(found.groups.all().flat().length).toBeGreaterThanOrEqual(groups.all().flat().length * 0.98);
  if (count > 1) expect(found.mean).toBeCloseTo((2 * sum) / (count * (count - 1)), 3);
});
