import path from 'node:path';
import { ClipTokenizer, splitsCleanly } from '../../lib/tokenizer';
import { cleanText } from '../../lib/tokenizer/clean';
import { CODE_PAGES } from '../../lib/tokenizer/clean/code-pages';
import { PhraseCache } from '../../lib/tokenizer/phrase-cache';
import { runPython } from '../support/python';
import { oddTexts } from './odd-texts';
import { type ClipReference, clipReferences, differences, removeFolder, temporaryFolder } from './reference';
import { specialNames } from './special-names';

const LOWER = { file: 'tokenizer.json', clean: 'lower' } as const;
const folder = temporaryFolder();
let vocabulary: ClipReference;
let lower: ClipReference;
let whitespace: ClipReference;

beforeAll(async () => {
  [vocabulary, lower, whitespace] = (await clipReferences(folder, [
    { name: 'vocabulary', clean: 'lower', texts: null },
    { name: 'lower', clean: 'lower', texts: [...specialNames(1000, 1), ...oddTexts(6_000, 1)] },
    { name: 'whitespace', clean: 'whitespace', texts: [...specialNames(1000, 2), ...oddTexts(6_000, 2)] },
  ])) as [ClipReference, ClipReference, ClipReference];
}, 600_000);

afterAll(() => removeFolder(folder));

describe("the reference's whole vocabulary", () => {
  let tokenizer: ClipTokenizer;
  let seconds: number;

  beforeAll(async () => {
    tokenizer = await ClipTokenizer.load(vocabulary.folder, LOWER);
    const start = performance.now();
    for (const text of vocabulary.texts) tokenizer.encode(text);
    seconds = (performance.now() - start) / 1000;
    console.info(`${vocabulary.texts.length} texts in ${seconds.toFixed(1)} s`);
  }, 300_000);

  test('has the expected size', () => {
    expect(vocabulary.texts.length).toBeGreaterThan(111_000);
  });

  test('is cleaned as by open_clip', () => {
    const found = differences(
      vocabulary,
      (text) => cleanText(text, 'lower'),
      (index) => vocabulary.cleaned[index],
    );
    expect(found).toEqual([]);
  });

  test('gives the tokens of open_clip', () => {
    const found = differences(
      vocabulary,
      (text) => Array.from(tokenizer.encode(text)),
      (index) => vocabulary.tokens(index),
    );
    expect(found).toEqual([]);
  });

  test('takes seconds, not minutes', () => {
    expect(seconds).toBeLessThan(60);
  });

  test('a prompt and a phrase give the tokens of the two joined, but where splitsCleanly says otherwise', () => {
    const prompts = ['a photograph of a cat', 'a "quoted" thing..', "it's 4k!", 'a dog, by Käthe', 'two, three (four)'];
    const refused = new Set<string>();
    for (const [number, phrase] of vocabulary.texts.entries()) {
      if (!splitsCleanly(phrase)) {
        refused.add(phrase);
        continue;
      }
      const prompt = prompts[number % prompts.length] as string;
      const apart = [...tokenizer.encode(`${prompt},`), ...tokenizer.encode(phrase)];
      const joined = Array.from(tokenizer.encode(`${prompt}, ${phrase}`));
      if (String(apart) !== String(joined)) throw new Error(`${JSON.stringify(`${prompt}, ${phrase}`)} differs`);
    }
    // Flavors with HTML in them.
    expect(refused.size).toBeLessThan(vocabulary.texts.length / 100);
  }, 300_000);
});

describe('odd texts', () => {
  test.each(['lower', 'whitespace'] as const)(
    'are cleaned and cut as by open_clip (%s)',
    async (clean) => {
      const odd = clean === 'lower' ? lower : whitespace;
      const tokenizer = await ClipTokenizer.load(odd.folder, { ...LOWER, clean });
      expect(odd.skip.size).toBeLessThan(odd.texts.length / 4);
      const cleaned = differences(
        odd,
        (text) => cleanText(text, clean),
        (index) => odd.cleaned[index],
      );
      expect(cleaned).toEqual([]);
      const tokens = differences(
        odd,
        (text) => Array.from(tokenizer.encode(text)),
        (index) => odd.tokens(index),
      );
      expect(tokens).toEqual([]);
    },
    300_000,
  );

  test('phrases that split cleanly do so behind any prompt that does', async () => {
    const texts = oddTexts(2_500, 3);
    const tokenizer = await ClipTokenizer.load(lower.folder, LOWER);
    const clean = texts.filter(splitsCleanly);
    expect(clean.length).toBeGreaterThan(300);
    for (const [index, phrase] of clean.entries()) {
      const prompt = clean[(index * 7 + 1) % clean.length] as string;
      const ids = Array.from(tokenizer.encode(`${prompt}, ${phrase}`));
      const apart = [...tokenizer.encode(`${prompt},`), ...tokenizer.encode(phrase)];
      expect({ prompt, phrase, ids }).toEqual({ prompt, phrase, ids: apart });
    }
  }, 300_000);
});

test('code pages are those that Python has', async () => {
  const code = `import json, ftfy.bad_codecs; from ftfy.chardata import CHARMAP_ENCODINGS as names
print(json.dumps([[name, bytes(range(128, 256)).decode(name)] for name in names]))`;
  const expected = JSON.parse(await runPython(['-c', code])) as [name: string, upper: string][];
  expect(CODE_PAGES.map(({ name, sloppy, bytes }) => [`${sloppy ? 'sloppy-' : ''}${name}`, [...bytes.keys()].slice(128).join('')])).toEqual(
    expected,
  );
});

describe('ClipTokenizer', () => {
  test('remembers a text', async () => {
    const tokenizer = await ClipTokenizer.load(lower.folder, LOWER);
    expect(tokenizer.encode('first')).toBe(tokenizer.encode('first'));
  });

  test('forgets what was not asked for lately', () => {
    const cache = new PhraseCache<number>(2);
    cache.set('first', 1);
    cache.set('second', 2);
    expect(cache.get('first')).toBe(1);
    cache.set('third', 3);
    cache.set('fourth', 4);
    expect(cache.get('first')).toBeUndefined();
    expect(cache.get('fourth')).toBe(4);
  });

  test('names the file that is missing', async () => {
    const nowhere = path.join(folder, 'nowhere');
    await expect(ClipTokenizer.load(nowhere, LOWER)).rejects.toMatchObject({
      code: 'ERR_TOKENIZER',
      message: expect.stringContaining(path.join(nowhere, 'tokenizer.json')),
    });
  });
});
