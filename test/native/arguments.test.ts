/** Every method of every handle against arguments that do not fit, and against handles that are closed. */
import type {
  NativeBinding,
  NativeCaptionModel,
  NativeClipModel,
  NativeDevice,
  NativeFeatures,
  NativeImage,
  NativeLabelMatrix,
} from '../../lib/native/types';
import { tinyBlip, tinyClip } from '../support/bundles';
import { imageOf, openBinding, tokenLists } from '../support/native';

// biome-ignore lint/suspicious/noExplicitAny: wrong arguments are the point
type Anything = any;

let binding: NativeBinding;
let device: NativeDevice;
let clip: NativeClipModel;
let caption: NativeCaptionModel;
let features: NativeFeatures;
let matrix: NativeLabelMatrix;
const HASH = 'a'.repeat(64);

beforeAll(async () => {
  binding = await openBinding();
  device = await binding.openDevice('cpu', { threads: 1 });
  clip = await binding.openClipModel(device, await tinyClip());
  caption = await binding.openCaptionModel(device, await tinyBlip());
  features = await clip.imageFeatures(image(1));
  matrix = await binding.labelMatrixFromFeatures(features, HASH);
}, 600_000);

afterAll(() => device?.close());

const image = (seed: number): NativeImage => imageOf(binding, seed);

/** The call must give a promise back, whatever it was given, and reject it with this code and words. */
async function expectRejection(call: () => Promise<unknown>, message: RegExp, code = 'ERR_INVALID_ARGUMENT'): Promise<void> {
  const promise = call();
  expect(typeof promise.then).toBe('function');
  await expect(promise).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
}

describe('numbers', () => {
  test.each([
    [Number.NaN, /threads: expected a whole number from 0 to 1024, got NaN/],
    [-1, /got -1/],
    [1.5, /got 1\.5/],
    [1e300, /got 1e\+300/],
    [Number.POSITIVE_INFINITY, /got Infinity/],
    ['2', /got '2'/],
    [null, /got null/],
    [2n, /got a bigint/],
  ])('%p as a number of threads is refused', (threads, message) =>
    expectRejection(() => binding.openDevice('cpu', { threads: threads as number }), message),
  );

  test('-0 is zero', async () => {
    await (await binding.openDevice('cpu', { threads: -0 })).close();
  });

  test.each([0, -5, 2 ** 40, Number.NaN, 0.5])('k = %p is refused', (k) =>
    expectRejection(() => binding.topK([matrix], features, k, {}), /^k: expected a whole number from 1/),
  );

  test.each([0, -1, Number.NaN, 1e10])('maxTokens = %p is refused', (maxTokens) =>
    expectRejection(() => caption.generate(image(1), { maxTokens }), /^maxTokens: expected a whole number from 1/),
  );
});

describe('texts', () => {
  const ids = Int32Array.of(1, 2, 3);
  test.each([
    [{ ids, offsets: Int32Array.of(0, 2) }, /texts\.offsets: .*rising from 0 to ids\.length \(3\)/],
    [{ ids, offsets: Int32Array.of(1, 3) }, /offsets/],
    [{ ids, offsets: Int32Array.of(0, 3, 2, 3) }, /offsets/],
    [{ ids, offsets: Int32Array.of(0, -1, 3) }, /offsets/],
    [{ ids, offsets: new Int32Array(0) }, /offsets/],
    [{ ids: Int32Array.of(0, -7, 1), offsets: Int32Array.of(0, 3) }, /texts\.ids\[1\]: expected 0 to 49407, got -7/],
    [{ ids: Int32Array.of(49408), offsets: Int32Array.of(0, 1) }, /texts\.ids\[0\]/],
    [{ ids: [1, 2, 3], offsets: Int32Array.of(0, 3) }, /texts\.ids: expected an Int32Array, got an array/],
    [null, /texts: expected \{ids, offsets\}, got null/],
  ])('%p is refused', (wrong, message) => expectRejection(() => clip.textFeatures(wrong as Anything), message));

  test('tree() throws what textFeatures() rejects with', () => {
    expect(() => clip.tree({ ids, offsets: Int32Array.of(0, 2) })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('candidates.offsets') }),
    );
  });

  test('an excluded index that is no candidate is refused', () => {
    const tree = clip.tree(tokenLists([320], [321]));
    return expectRejection(
      () => tree.best(Int32Array.of(5), features, { exclude: Int32Array.of(2) }),
      /exclude\[0\]: expected 0 to 1, got 2/,
    );
  });

  test('onProgress must be a function', () =>
    expectRejection(() => clip.textFeatures(tokenLists([1]), undefined, 'x' as Anything), /onProgress: expected a function, got 'x'/));
});

describe('handles', () => {
  test.each([
    ['another handle', () => binding.createCancelToken()],
    ['a plain object', () => ({})],
    ['nothing', () => undefined],
    ['an object that inherits from the right one', () => Object.create(features)],
    ['a promise', () => Promise.resolve(features)],
  ])('%s in place of features is refused', async (_, make) => {
    const wrong = make() as Anything;
    await expectRejection(() => features.similarity(wrong), /^other: expected a Features, got /);
    await expectRejection(() => binding.topK([matrix], wrong, 1, {}), /^features: /);
    await expectRejection(() => binding.labelMatrixFromFeatures(wrong, HASH), /^features: /);
  });

  test.each(['openClipModel', 'openCaptionModel', 'featuresFromArray'] as const)('%s refuses a wrong device', (method) =>
    expectRejection(() => (binding as Anything)[method](features, '/x', {}), /^device: expected a Device/),
  );

  test('a wrong token is refused everywhere', async () => {
    const wrong = {} as Anything;
    await expectRejection(() => clip.imageFeatures(image(1), wrong), /^token: expected a CancelToken, got an object/);
    await expectRejection(() => features.toArray(wrong), /^token/);
    await expectRejection(() => binding.topK([matrix], features, 1, {}, wrong), /^token/);
  });

  test('matrices must be an array of them, and not empty', async () => {
    await expectRejection(() => binding.topK([] as Anything, features, 1, {}), /^matrices/);
    await expectRejection(() => binding.topK([matrix, {}] as Anything, features, 1, {}), /^matrices\[1\]: expected a LabelMatrix/);
    await expectRejection(() => binding.topK(matrix as Anything, features, 1, {}), /^matrices: expected an array/);
  });

  test('parts must be an array of matrices, and their order name each row once', async () => {
    const join =
      (parts: Anything, order: Anything): (() => Promise<unknown>) =>
      () =>
        binding.joinLabelMatrices(parts, order, HASH);
    await expectRejection(join([], Int32Array.of()), /^parts/);
    await expectRejection(join([matrix, features], Int32Array.of(0, 1)), /^parts\[1\]: expected a LabelMatrix/);
    await expectRejection(join([matrix], [0]), /^order/);
    for (const order of [[], [1], [-1], [0, 0]])
      await expectRejection(join([matrix], Int32Array.from(order)), /^order must name each of 1/);
    await expectRejection(join([matrix, matrix], Int32Array.of(1, 1)), /^order must name each of 2/);
  });

  test('no handle is made with new', () => {
    const handles = [device, clip, features, matrix, binding.createCancelToken(), clip.tree(tokenLists([1]))];
    for (const handle of handles as Anything[]) {
      const Kind = handle.constructor;
      expect(() => new Kind()).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }));
      expect(() => new Kind(clip)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }));
    }
  });

  test('a getter that throws rejects with what it threw', async () => {
    const reason = new RangeError('mine');
    const options = {
      get threads(): number {
        throw reason;
      },
    };
    await expect(binding.openDevice('cpu', options)).rejects.toBe(reason);
  });

  test('features of another device are refused', async () => {
    const other = await binding.openDevice('cpu', { threads: 1 });
    const foreign = await binding.featuresFromArray(other, new Float32Array(features.dim), 1, features.dim);
    await expectRejection(() => features.similarity(foreign), /^other: belongs to another device/);
    await expectRejection(() => clip.tree(tokenLists([1])).best(Int32Array.of(1), foreign, {}), /^features: belongs to another device/);
    await other.close();
  });
});

describe('paths and names', () => {
  test.each([
    ['', /^folder: expected a path, got ''/],
    ['/a\0b', /NUL/],
    [7, /^folder: expected a path, got 7/],
  ])('%p is no folder', (folder, message) => expectRejection(() => binding.openClipModel(device, folder as string), message));

  test('a device that does not exist is ERR_DEVICE', () => expectRejection(() => binding.openDevice('tpu', {}), /tpu/, 'ERR_DEVICE'));

  test('a folder that does not exist is ERR_BUNDLE_NOT_FOUND', () =>
    expectRejection(() => binding.openClipModel(device, '/no/such/bundle'), /no\/such\/bundle/, 'ERR_BUNDLE_NOT_FOUND'));

  test('a hash is 64 hexadecimal digits', () =>
    expectRejection(() => binding.labelMatrixFromFeatures(features, 'abc'), /^hash: expected 64 .* got 'abc'/));

  test('data of features must have rows * dim numbers', () =>
    expectRejection(() => binding.featuresFromArray(device, new Float32Array(5), 2, 3), /rows \* dim = 6 numbers, got 5/));
});

describe('after close', () => {
  test('each method of a closed model rejects with ERR_DISPOSED, and closing again is no error', async () => {
    const model = await binding.openClipModel(device, await tinyClip());
    const tree = model.tree(tokenLists([320], [321]));
    await Promise.all([model.close(), model.close()]);
    await model.close();
    await expectRejection(() => model.imageFeatures(image(1)), /CLIP model was closed/, 'ERR_DISPOSED');
    await expectRejection(() => model.textFeatures(tokenLists([1])), /closed/, 'ERR_DISPOSED');
    await expectRejection(() => model.offload(), /closed/, 'ERR_DISPOSED');
    await expectRejection(() => tree.best(Int32Array.of(1), features, {}), /closed/, 'ERR_DISPOSED');
    expect(() => model.tree(tokenLists([1]))).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
    expect([model.embedDim, tree.count]).toEqual([clip.embedDim, 2]);
  });

  test('calls that run when their model is closed still answer, and close waits for them', async () => {
    const model = await binding.openClipModel(device, await tinyClip());
    const order: string[] = [];
    const call = model.imageFeatures(image(1)).then(() => order.push('answer'));
    await model.close();
    order.push('closed');
    await call;
    expect(order).toEqual(['answer', 'closed']);
  });
});
