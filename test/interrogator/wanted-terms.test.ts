import { Interrogator, type Mode } from '../../lib';
import { testImage } from '../support/images';

const MODES = ['best', 'fast', 'classic', 'negative'] as const;
let interrogator: Interrogator;

beforeAll(async () => {
  interrogator = await Interrogator.create({ clipModelName: 'sample', captionModelName: 'sample', cachePath: null, quiet: true });
});
afterAll(() => interrogator.dispose());

async function promptOf(mode: Mode, options: { include?: string[]; exclude?: string[]; maxFlavors?: number } = {}): Promise<string> {
  return (await interrogator.describe(testImage(3), { mode, caption: 'a thing', ...options })).prompt;
}

const partsOf = (prompt: string): string[] => prompt.split(', ');

test.each(MODES)('%s mode has no term that was excluded, whichever', async (mode) => {
  const prompt = await promptOf(mode);
  const lists = [
    interrogator.flavors,
    interrogator.mediums,
    interrogator.artists,
    interrogator.movements,
    interrogator.trendings,
    interrogator.negative,
  ];
  const terms = new Set(lists.flatMap(({ labels }) => labels));
  let banned = partsOf(prompt).filter((part) => terms.has(part));
  expect(banned.length).toBeGreaterThan(0);
  // Again and again: what comes in their place is banned, too.
  for (let round = 0; round < 3; round += 1) {
    const parts = partsOf(await promptOf(mode, { exclude: banned }));
    expect(parts.filter((part) => banned.includes(part))).toEqual([]);
    banned = [...new Set([...banned, ...parts.filter((part) => terms.has(part))])];
  }
});

test.each(MODES)('%s mode has every term that is included, once', async (mode) => {
  const [term] = interrogator.flavors.labels.slice(-1) as [string];
  const include = ['a text of nobody', term];
  const parts = partsOf(await promptOf(mode, { include, maxFlavors: 6 }));
  for (const each of include) expect(parts.filter((part) => part === each)).toHaveLength(1);
});

test.each(MODES)('%s mode without wishes answers as with empty lists of them', async (mode) => {
  expect(await promptOf(mode, { include: [], exclude: [] })).toBe(await promptOf(mode));
});

test('included terms count among the most', async () => {
  const parts = partsOf(await promptOf('fast', { include: ['one', 'two', 'three'], maxFlavors: 4 }));
  expect(parts).toHaveLength(5);
  expect(parts.slice(0, 4)).toEqual(['a thing', 'one', 'two', 'three']);
});

test('a chain tells the best prompt so far with its similarity', async () => {
  const told: { prompt: string; similarity: number }[] = [];
  const caption = 'a thing';
  const { prompt } = await interrogator.describe(testImage(3), {
    mode: 'best',
    caption,
    onProgress: ({ stage, prompt, similarity }) => {
      if (stage === 'chain' && prompt !== undefined && similarity !== undefined) told.push({ prompt, similarity });
    },
  });
  expect(told.length).toBeGreaterThan(1);
  using features = await interrogator.imageToFeatures(testImage(3));
  for (const each of told) expect(each.similarity).toBeCloseTo(await interrogator.similarity(features, each.prompt), 4);
  expect(told.map(({ similarity }) => similarity)).toEqual(told.map(({ similarity }) => similarity).sort((a, b) => a - b));
  expect(prompt.startsWith(caption)).toBe(true);
});

test('wishes that are no texts are refused', async () => {
  const wrong = { include: [3] } as unknown as { include: string[] };
  await expect(interrogator.interrogateFast(testImage(3), wrong)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
});
