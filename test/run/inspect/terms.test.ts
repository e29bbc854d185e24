/** Terms of a set: how many pictures have each, and how evenly they are spread. */
import { TermCounts, termsOf } from '../../../lib/run/inspect/terms';
import { Random } from '../../fuzz/support/random';

test.each([1, 2, 3, 4, 5])('counts, shares and the effective number are those of the definition (%i)', async (seed) => {
  const random = new Random(seed);
  const pictures = Array.from({ length: 1 + random.below(60) }, () => {
    const terms = Array.from({ length: random.below(12) }, () => `term ${Math.min(random.below(30), random.below(30))}`);
    return new Set(random.below(10) > 0 ? ['shared', ...terms] : terms);
  });
  const counts = new TermCounts();
  for (const texts of pictures) counts.add({ texts });
  const { terms, effectiveTerms } = await counts.summary(5);

  const withTerms = pictures.filter(({ size }) => size > 0);
  const all = [...new Set(withTerms.flatMap((each) => [...each]))].map((term) => {
    const count = withTerms.filter((each) => each.has(term)).length;
    return { term, pictures: count, share: Math.round((count / withTerms.length) * 1e6) / 1e6 };
  });
  const byName = (a: { term: string }, b: { term: string }): number => (a.term < b.term ? -1 : 1);
  const common = [...all].sort((a, b) => b.pictures - a.pictures || byName(a, b));
  const rare = [...all].sort((a, b) => a.pictures - b.pictures || byName(a, b));
  const total = all.reduce((sum, { pictures: count }) => sum + count, 0);
  const entropy = -all.reduce((sum, { pictures: count }) => sum + (count / total) * Math.log(count / total), 0);
  expect(terms).toEqual({
    of: 'texts',
    pictures: withTerms.length,
    distinct: all.length,
    shared: withTerms.length > 1 ? common.filter(({ pictures: count }) => count >= 0.8 * withTerms.length).slice(0, 5) : [],
    common: common.slice(0, 5),
    rare: rare.slice(0, 5),
    single: all.filter(({ pictures: count }) => count === 1).length,
  });
  expect(effectiveTerms).toBeCloseTo(Math.exp(entropy), 4);
});

test('terms are of texts first, then of captions, then of text files', async () => {
  const counts = new TermCounts();
  expect(await counts.summary(5)).toMatchObject({ terms: { of: null, pictures: 0 }, effectiveTerms: null });
  counts.add({ sidecars: new Set(['a']) });
  expect((await counts.summary(5)).terms.of).toBe('sidecars');
  counts.add({ captions: new Set(['b']) });
  expect((await counts.summary(5)).terms.of).toBe('captions');
  counts.add({ texts: new Set(['c', 'd']) });
  expect(await counts.summary(5)).toMatchObject({ terms: { of: 'texts', distinct: 2 }, effectiveTerms: 2 });
});

test('a picture has the parts of its texts, but not of its caption nor of negative ones', () => {
  const settings = new Map<string, unknown>([
    ['b', { task: 'best' }],
    ['n', { task: 'negative' }],
    ['c', { task: 'caption' }],
    ['r', { task: 'rank' }],
  ]);
  const results = {
    b: { text: 'A Red apple, on a table, by  Anna, oil paint' },
    n: { text: 'blurry' },
    c: { text: 'a red apple, on a table' },
    r: { ranked: [] },
  };
  expect(termsOf({ sha256: null, image: 'x', results }, settings)).toEqual({
    texts: new Set(['by anna', 'oil paint']),
    captions: new Set(['a red apple', 'on a table']),
  });
  const given = new Map<string, unknown>([['b', { task: 'fast', captionText: 'my caption' }]]);
  expect(termsOf({ sha256: null, image: 'x', results: { b: { text: 'my caption, blue' } } }, given)).toMatchObject({
    texts: new Set(['blue']),
  });
  expect(termsOf({ sha256: null, image: 'x' }, settings)).toEqual({});
});
