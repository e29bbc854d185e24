/** The arithmetic that the benchmarks' limits are made of, counted by hand on small models. */
import { benchModule } from './module';

let arithmetic: Awaited<ReturnType<typeof benchModule>>;

beforeAll(async () => {
  arithmetic = await benchModule('arithmetic.mjs');
});

test('texts that begin alike share the nodes of their beginning', () => {
  const tree = arithmetic.prefixTree([
    [9, 1, 8],
    [9, 2, 8],
    [9, 1, 2, 8],
    [9, 1, 8],
  ]);
  expect(tree.positions.toSorted()).toEqual([0, 1, 1, 2, 2, 2, 3]);
  expect(tree.ends.toSorted()).toEqual([2, 2, 3]);
});

test('padding after the end token is no part of a text', () => {
  expect(arithmetic.untilEnd([9, 1, 8, 0, 0], 8)).toEqual([9, 1, 8]);
});

test('text: all of a layer for every node, of the last layer keys and values only but for the ends', () => {
  const tree = arithmetic.prefixTree([
    [9, 1, 8],
    [9, 2, 8],
  ]);
  const nodes = 5;
  const keysSeen = 1 + 2 + 3 + 2 + 3;
  const wholeLayer = 2 * nodes * (4 * 2 * 2 + 2 * 2 * 8) + 2 * (2 * keysSeen * 2);
  const keysAndValues = 2 * nodes * (2 * 2 * 2);
  const ends = 2 * 2 * (2 * 2 * 2 + 2 * 2 * 8) + 2 * (2 * (3 + 3) * 2);
  const projection = 2 * 2 * (2 * 3);
  expect(arithmetic.textFlops(tree, { layers: 2, width: 2, mlpWidth: 8, embedDim: 3 })).toBe(
    wholeLayer + keysAndValues + ends + projection,
  );
});

test('image: patches and class token, the last layer for the class token alone', () => {
  const sizes = { imageSize: 4, patchSize: 2, layers: 2, width: 2, mlpWidth: 8 };
  const patches = 2 * 4 * (3 * 2 * 2) * 2;
  const wholeLayer = 2 * 5 * (4 * 2 * 2 + 2 * 2 * 8) + 2 * (2 * 25 * 2);
  const lastLayer = 2 * 5 * (2 * 2 * 2) + 2 * (2 * 2 * 2 + 2 * 2 * 8) + 2 * (2 * 5 * 2);
  expect(arithmetic.classTokenVisionFlops({ ...sizes, embedDim: 3 })).toBe(patches + wholeLayer + lastLayer + 2 * 2 * 3);
  expect(arithmetic.wholeVisionFlops(sizes)).toBe(patches + 2 * wholeLayer);
});

test('ViT-B-32 comes to the 4.4 billion multiply-adds that are published for it, less what its last layer can leave out', () => {
  const flops = arithmetic.classTokenVisionFlops({ imageSize: 224, patchSize: 32, layers: 12, width: 768, mlpWidth: 3072, embedDim: 512 });
  expect(flops / 2).toBeLessThan(4.41e9);
  expect(flops / 2).toBeGreaterThan(4.41e9 * (11 / 12));
});

test('decoder: keys and values of the image once, then each token against the caption so far and the image', () => {
  const sizes = { imageTokens: 5, imageWidth: 3, layers: 2, width: 2, mlpWidth: 8, vocabulary: 10 };
  expect(arithmetic.crossFlops(sizes)).toBe(2 * 2 * (2 * 5 * 3 * 2));
  const layer = 2 * (4 * 2 * 2) + 2 * (2 * 4 * 2) + 2 * (2 * 2 * 2) + 2 * (2 * 5 * 2) + 2 * (2 * 2 * 8);
  expect(arithmetic.decodeFlops(3, sizes)).toBe(2 * layer + 2 * 2 * 2 + 2 * 2 * 10);
  const weights = 2 * (4 * 2 * 2 + 2 * 2 * 2 + 2 * 2 * 8) + 2 * 2 + 2 * 10;
  expect(arithmetic.decodeBytes(sizes)).toBe(4 * (weights + 2 * 2 * 5 * 2));
});
