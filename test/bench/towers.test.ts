/** The texts of bench:towers, and that the models it names are there. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { REPOSITORY } from '../support/python';
import { benchModule } from './module';

const TEXT = { contextLength: 6, sotId: 7, eotId: 8, padId: 9, vocabSize: 40 };
const graphOf = (tokenizer: object) => ({ header: { manifest: { tokenizer, text: TEXT } } });
const TEXTS = [Int32Array.of(11, 12), Int32Array.of(1, 2, 3, 4, 5, 6)];

test('texts are padded as open_clip pads them, with a start token where the tower has one', async () => {
  const { padded } = await benchModule('towers/texts.mjs');
  expect(padded(TEXTS.slice(0, 1), TEXT)).toEqual([[7, 11, 12, 8, 9, 9]]);
  expect(padded([[], [1, 2, 3, 4]], { ...TEXT, sotId: null })).toEqual([
    [8, 9, 9, 9, 9, 9],
    [1, 2, 3, 4, 8, 9],
  ]);
});

test('a tower with the tokenizer of CLIP gets the texts themselves, cut to its context', async () => {
  const { tokensFor } = await benchModule('towers/texts.mjs');
  const { ids } = tokensFor(graphOf({ file: 'open-clip.json' }), TEXTS);
  expect(ids.map((each: Int32Array) => [...each])).toEqual([
    [11, 12],
    [1, 2, 3, 4],
  ]);
});

test('another tower gets plain ids of its vocabulary, as many, the same in every run', async () => {
  const { tokensFor } = await benchModule('towers/texts.mjs');
  const many = Array.from({ length: 50 }, () => Int32Array.of(1, 2, 3));
  const { ids } = tokensFor(graphOf({ repository: 'someone/tokenizer' }), many);
  expect(ids.map(({ length }: Int32Array) => length)).toEqual(many.map(({ length }) => length));
  const all = ids.flatMap((each: Int32Array) => [...each]);
  expect(new Set(all).size).toBeGreaterThan(20);
  expect(Math.min(...all)).toBeGreaterThanOrEqual(10);
  expect(Math.max(...all)).toBeLessThan(TEXT.vocabSize);
  expect(tokensFor(graphOf({ repository: 'someone/tokenizer' }), many).ids).toEqual(ids);
});

test('every model that is measured has a graph in the package', async () => {
  const { MODELS } = await benchModule('towers/models.mjs');
  for (const { name } of MODELS) {
    expect([name, existsSync(path.join(REPOSITORY, 'models', 'graphs', `${name}.graph`))]).toEqual([name, true]);
  }
});
