import { artistLabels, classicPrompt, fastPrompt, trendingLabels, truncateToFit } from '../../lib/interrogator/prompt';

test('trending terms are the sites plainly, then trending on, featured on, contest winner', () => {
  const labels = trendingLabels();
  expect(labels).toHaveLength(72);
  expect([labels[0], labels[17], labels[18], labels[36], labels[54], labels[71]]).toEqual([
    'Artstation',
    'zbrush central',
    'trending on Artstation',
    'featured on Artstation',
    'Artstation contest winner',
    'zbrush central contest winner',
  ]);
});

test('all artists come as "by" before the first comes as "inspired by"', () => {
  expect(artistLabels(['A', 'B'])).toEqual(['by A', 'by B', 'inspired by A', 'inspired by B']);
});

const TERMS = { medium: 'a photo', artist: 'by X', trending: 'pexels', movement: 'baroque', flavors: ['f1', 'f2'] };

test('a classic prompt names the medium after the caption', () => {
  expect(classicPrompt('a cat', TERMS)).toBe('a cat, a photo by X, pexels, baroque, f1, f2');
});

test('a caption that begins with the medium does not repeat it', () => {
  expect(classicPrompt('a photo of a cat', TERMS)).toBe('a photo of a cat by X, pexels, baroque, f1, f2');
});

test('a fast prompt of no terms ends in a comma, as in the reference', () => {
  expect(fastPrompt('a cat', ['x', 'y'])).toBe('a cat, x, y');
  expect(fastPrompt('a cat', [])).toBe('a cat, ');
});

describe('truncateToFit', () => {
  const longerThan = (length: number) => async (text: string) => text.length > length;

  test('keeps parts up to the first that would fill the context', async () => {
    expect(await truncateToFit('aa, bb, cccccc, d', longerThan(7), false)).toBe('aa, bb');
  });

  test('keeps the first part however long it is', async () => {
    expect(await truncateToFit('aaaaaaaaaa, b', longerThan(3), false)).toBe('aaaaaaaaaa');
  });

  test("leaves the ', ' out of its test as the reference does, unless corrected", async () => {
    // "aa" + "bb" is 4 long and fits; "aa, bb" is 6 long and does not.
    expect(await truncateToFit('aa, bb', longerThan(5), false)).toBe('aa, bb');
    expect(await truncateToFit('aa, bb', longerThan(5), true)).toBe('aa');
  });
});
