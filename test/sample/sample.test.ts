/** The sample pair answers sensibly about icon art: images of its own training sets, and one icon of a set that it never saw. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Interrogator, LabelTable } from '../../lib';

const SAMPLE = path.join(__dirname, '..', '..', 'models', 'sample');
const image = (name: string): string => path.join(SAMPLE, 'images', name);

let sample: Interrogator;
beforeAll(async () => {
  sample = await Interrogator.create({ clipModelName: 'sample', captionModelName: 'sample', device: 'cpu', quiet: true, cachePath: null });
}, 60_000);
afterAll(() => sample.dispose());

test.each([
  ['apple.png', ['red apple', 'a yellow background']],
  ['rocket.png', ['rocket', 'a light blue background']],
  ['cat-and-pizza.png', ['cat', 'next to', 'pizza', 'a light green background']],
])('the caption of %s names what is on it and where', async (file, words) => {
  const caption = await sample.generateCaption(image(file));
  for (const word of words) expect(caption).toContain(word);
});

test.each([
  ['apple.png', 'red apple'],
  ['rocket.png', 'rocket'],
])('of many names the one of %s ranks first, by any of its spellings', async (file, name) => {
  const features = await sample.imageToFeatures(image(file));
  const others = [
    'tomato',
    'cherries',
    'airplane',
    'satellite',
    'balloon',
    'cat face',
    'pizza',
    'grinning face',
    'key',
    'violin',
    'snowman',
  ];
  for (const written of [name, `a ${name}`, name.replaceAll(' ', '')]) {
    const names = await LabelTable.create([...others, written], null, sample);
    expect(await names.rank(features)).toEqual([written]);
  }
});

test('a prompt of every mode is made of the caption and the terms of this domain', async () => {
  const caption = await sample.generateCaption(image('apple.png'));
  for (const mode of ['best', 'fast', 'classic'] as const) {
    const { prompt } = await sample.describe(image('apple.png'), { mode, caption });
    expect(prompt.startsWith(`${caption}, `)).toBe(true);
  }
  const { prompt } = await sample.describe(image('apple.png'), { mode: 'negative' });
  expect(prompt).not.toBe('');
});

test("trendings are the bundle's own where it has a list of them", async () => {
  const listed = readFileSync(path.join(SAMPLE, 'clip', 'vocabulary', 'trendings.txt'), 'utf8')
    .trim()
    .split('\n');
  const ranked = await sample.trendings.rank(await sample.imageToFeatures(image('apple.png')), { topCount: listed.length });
  expect([...ranked].sort()).toEqual([...listed].sort());
});
