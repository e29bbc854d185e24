/** The rules for words: each by what users ask for, and all of them on made-up texts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Mode } from '../../../lib/api';
import { applyWords, checkWords, previewWords, readReplacements, readWordRules, type WordRules } from '../../../lib/run/words';
import { Random } from '../../fuzz/support/random';

const TEXT = 'arafed woman in a red dress, Red Dress, oil painting, trending on artstation, 4k, oil  painting';
/** As many tokens as words and commas. */
const countTokens = async (text: string): Promise<number> => text.match(/[^\s,]+|,/g)?.length ?? 0;
const apply = (rules: WordRules, prompt = TEXT, mode: Mode = 'fast', more = {}): Promise<string> =>
  applyWords(mode, { prompt, ...more }, rules, countTokens);

test.each<[string, WordRules, string]>([
  [
    'prefix and suffix',
    { prefix: 'photo of ', suffix: ', masterpiece' },
    'photo of arafed woman in a red dress, Red Dress, oil painting, trending on artstation, 4k, masterpiece',
  ],
  [
    'a trigger comes first, once',
    { trigger: 'oil painting' },
    'oil painting, arafed woman in a red dress, Red Dress, trending on artstation, 4k',
  ],
  [
    'a term is left out, whatever its case',
    { exclude: ['TRENDING ON ARTSTATION', '4K'] },
    'arafed woman in a red dress, Red Dress, oil painting',
  ],
  [
    'so is a word of a caption, but no part of a word',
    { exclude: ['arafed', 'pain'] },
    'woman in a red dress, Red Dress, oil painting, trending on artstation, 4k',
  ],
  ['a pattern leaves out parts', { exclude: [/^trending|^\d+k$/] }, 'arafed woman in a red dress, Red Dress, oil painting'],
  [
    'words are replaced',
    {
      replace: [
        ['woman', 'sks person'],
        ['oil painting', 'gouache'],
      ],
    },
    'arafed sks person in a red dress, Red Dress, gouache, trending on artstation, 4k',
  ],
  [
    'a pattern is replaced, with what it found',
    { replace: [[/^trending on (\w+)$/, '$1 style']] },
    'arafed woman in a red dress, Red Dress, oil painting, artstation style, 4k',
  ],
  [
    'lower case makes duplicates of what differs in case',
    { lower: true },
    'arafed woman in a red dress, red dress, oil painting, trending on artstation, 4k',
  ],
  ['underscores', { underscores: true }, 'arafed_woman_in_a_red_dress, Red_Dress, oil_painting, trending_on_artstation, 4k'],
  [
    'duplicates stay where they are to',
    { keepDuplicates: true },
    'arafed woman in a red dress, Red Dress, oil painting, trending on artstation, 4k, oil painting',
  ],
  ['parts go from the end for the limit', { maxTokens: 12 }, 'arafed woman in a red dress, Red Dress, oil painting'],
  [
    'the trigger, the prefix and the suffix stay',
    { maxTokens: 9, trigger: 'sks', prefix: 'a ', suffix: ' b' },
    'sks, a arafed woman in a red b',
  ],
])('%s', async (_, rules, expected) => {
  expect(await apply(rules)).toBe(expected);
});

test('a template takes the caption and the best terms; what is not known leaves nothing behind', async () => {
  const ranked = (...labels: string[]) => labels.map((label) => ({ label, similarity: 0.2 }));
  const more = { caption: 'a cat', terms: { mediums: ranked('a photo', 'a drawing'), flavors: ranked('soft', 'blue') } };
  expect(await apply({ template: '{medium} of {caption}, {artist}, {flavors}' }, TEXT, 'fast', more)).toBe('a photo of a cat, soft, blue');
  expect(await apply({ template: '{artists}, {prompt}' }, 'a dog', 'fast', more)).toBe('a dog');
  expect(() => checkWords({ template: '{captoin}' })).toThrow(/did you mean \{caption\}/);
});

test('a negative text takes what is left out and replaced, but no trigger, prefix, suffix or template', async () => {
  const rules = { trigger: 'sks', prefix: 'p ', suffix: ' s', template: '{caption}', exclude: ['4k'], lower: true };
  expect(await apply(rules, 'Blurry, 4k, blurry', 'negative')).toBe('blurry');
});

test('a pattern without end ends with an error that names it', async () => {
  await expect(apply({ exclude: [/^(a+)+$/] }, `${'a'.repeat(60)}!`)).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    message: expect.stringContaining('/^(a+)+$/'),
  });
});

test('rules without patterns, prefix and suffix change nothing the second time, and never lose the limit', async () => {
  const pool = ['a cat', 'Öl', 'red, blue', '写真', 'x-y (z)', '$1', '  ', 'A CAT', 'né', 'ne\u0301', '🎨 art', 'cat', 'שלום', 'a.b'];
  for (let round = 0; round < 300; round += 1) {
    const random = new Random(3, round);
    const pick = () => random.pick(pool);
    const text = Array.from({ length: random.between(0, 12) }, pick).join(', ');
    const [from, to] = [random.pick(['cat', 'Öl', '$1']), random.pick(['dog', 'tree'])];
    const rules: WordRules = {
      ...(random.chance(0.5) && { trigger: 'sks' }),
      ...(random.chance(0.5) && { exclude: [pick(), pick()] }),
      ...(random.chance(0.5) && { replace: [[from, to]] as const }),
      ...(random.chance(0.5) && { lower: true }),
      ...(random.chance(0.3) && { underscores: true }),
      ...(random.chance(0.5) && { maxTokens: random.between(1, 20) }),
    };
    const once = await apply(rules, text);
    if (!rules.underscores) expect([rules, await apply(rules, once)]).toEqual([rules, once]);
    if (rules.maxTokens !== undefined && !rules.trigger) expect(await countTokens(once)).toBeLessThanOrEqual(rules.maxTokens);
    const parts = once === '' ? [] : once.split(', ').map((part) => part.normalize('NFC').toLowerCase());
    expect(new Set(parts).size).toBe(parts.length);
    for (const part of parts) expect(part.trim()).not.toBe('');
  }
});

describe('rules of a command line', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'words-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('terms, patterns and files of them', async () => {
    const file = path.join(folder, 'terms.txt');
    writeFileSync(file, '\ufeff4k\r\n\r\n# a comment\n/^by /i\n');
    expect(await readWordRules(['blue sky', '/a|b/', file])).toEqual(['blue sky', /a|b/, '4k', /^by /i]);
    expect(await readReplacements(['a=b', 'a\\=b=c', '/x(.)/g=$1', 'gone='])).toEqual([
      ['a', 'b'],
      ['a=b', 'c'],
      [/x(.)/g, '$1'],
      ['gone', ''],
    ]);
    writeFileSync(file, 'one=two\nthree\tfour\n');
    expect(await readReplacements([file])).toEqual([
      ['one', 'two'],
      ['three', 'four'],
    ]);
  });

  test('what is none says where it is', async () => {
    const file = path.join(folder, 'wrong.txt');
    writeFileSync(file, 'a=b\nnothing\n');
    await expect(readReplacements([file])).rejects.toMatchObject({ message: expect.stringContaining('wrong.txt, line 2: ') });
    await expect(readWordRules(['/(/'])).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    await expect(readWordRules(['missing.txt'])).rejects.toMatchObject({ message: expect.stringContaining('missing.txt') });
  });
});

test.each([40, 80, 200])('a preview keeps to %d columns, and shows what went and what came', (columns) => {
  const text = previewWords([{ name: 'x.png', before: TEXT, after: 'woman in a red dress, gouache' }], columns);
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
  expect(text).toMatch(/- .*4k/s);
  expect(text).toMatch(/\+ woman in a red dress, gouache/);
});
