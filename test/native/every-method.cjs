/**
 * Every method of the addon, with arguments that fit; and what becomes of it when one of them does not. For this thread or, started as a
 * worker with `workerData`, for another one.
 */
const { isNativeError } = require("node:util").types;
const { parentPort, workerData } = require('node:worker_threads');


const HASH = 'a'.repeat(64);
const tokens = () => ({ ids: Int32Array.of(320, 321), offsets: Int32Array.of(0, 1, 2) });
const pixels = (width = 8, height = 6) => ({ data: new Uint8Array(width * height * 3).fill(99), width, height, channels: 3 });

/** Opens one of each handle. */
exports.openAll = async function openAll(binding, { clip: clipFolder, caption: captionFolder }) {
  const device = await binding.openDevice('cpu', { threads: 1 });
  const clip = await binding.openClipModel(device, clipFolder);
  const caption = await binding.openCaptionModel(device, captionFolder);
  const image = binding.copyImage(pixels());
  const features = await clip.imageFeatures(image);
  const matrix = await binding.labelMatrixFromFeatures(features, HASH);
  const tree = clip.tree(tokens());
  const token = binding.createCancelToken();
  return { binding, device, clip, caption, image, features, matrix, tree, token };
};

/** name → [handle, its arguments]. A name in capitals is that handle's; methods that throw at once end in "!". */
exports.METHODS = {
  'binding.fillImage!': () => [1, pixels()],
  'binding.copyImage!': () => [pixels(), { r: 1, g: 2, b: 3 }],
  'binding.openDevice': () => ['cpu', { threads: 1, maxBatch: 2, maxQueue: 3 }],
  'binding.openClipModel': ({ device, token }) => [device, '/no/such/bundle', token],
  'binding.openCaptionModel': ({ device, token }) => [device, '/no/such/bundle', token],
  'binding.featuresFromArray': ({ device }) => [device, Float32Array.of(1, 2, 3, 4), 2, 2],
  'binding.openLabelMatrix': () => ['/no/such/file', { hash: HASH, dim: 4 }],
  'binding.writeLabelMatrix': ({ matrix }) => ['/no/such/folder/file', matrix],
  'binding.joinLabelMatrices': ({ matrix }) => [[matrix], Int32Array.of(0), HASH],
  'binding.labelMatrixFromFeatures': ({ features }) => [features, HASH],
  'binding.topK': ({ matrix, features, token }) => [[matrix], features, 1, { reverse: false, chunkSize: 3, corrected: true }, token],
  'clip.imageFeatures': ({ image, token }) => [image, token],
  'clip.textFeatures': ({ token }) => [tokens(), token, () => {}],
  'clip.tree!': () => [tokens()],
  'clip.offload': () => [],
  'clip.restore': () => [],
  'caption.generate': ({ image, token }) => [image, { maxTokens: 2 }, token],
  'caption.offload': () => [],
  'caption.restore': () => [],
  'features.similarity': ({ features, token }) => [features, token],
  'features.toArray': ({ token }) => [token],
  'tree.best': ({ features, token }) => [Int32Array.of(320), features, { exclude: Int32Array.of(1), reverse: true }, token],
};

/** How a call ends: its error, or undefined. Throws where a promise was due and there is none, or the reverse. */
exports.outcome = async function outcome(handles, name, args) {
  const [owner, method] = name.replace('!', '').split('.');
  const throws = name.endsWith('!');
  let result;
  try {
    result = handles[owner][method](...args);
  } catch (error) {
    if (throws) return error;
    throw new Error(`${name} threw instead of rejecting: ${error?.message}`);
  }
  if (throws) {
    if (typeof result?.then === 'function') throw new Error(`${name} gave a promise`);
    return undefined;
  }
  if (typeof result?.then !== 'function') throw new Error(`${name} gave no promise`);
  return await result.then(
    async (answer) => void (await answer?.close?.()),
    (error) => error,
  );
};

const MINE = new RangeError('mine');
function throwing() {
  throw MINE;
}

/** What fits nowhere, or almost; `right` is what does. */
function wrongValues(right, handles) {
  const traps = Object.fromEntries(['get', 'has', 'getPrototypeOf', 'ownKeys'].map((name) => [name, throwing]));
  const object = right !== null && typeof right === 'object';
  const revoked = Proxy.revocable(object ? right : {}, {});
  revoked.revoke();
  const detached = [Int32Array, Uint8Array, Float32Array].map((Kind) => {
    const array = new Kind(4);
    structuredClone(array.buffer, { transfer: [array.buffer] });
    return array;
  });
  const shared = new Int32Array(new SharedArrayBuffer(8));
  return [
    ...[undefined, null, true, false, 0, -0, -1, 1.5, Number.NaN, Infinity, -Infinity, 2 ** 31, 2 ** 32, 2 ** 53, 1e300, -1e300],
    ...['', '/no/such/place', 'a\0b', '/no/such/\ud800', 'x'.repeat(100_000), Symbol('x'), 1n, 2n ** 70n],
    ...[[], [1], Array(3), {}, Object.create(null), () => {}, new Date(), /x/, new Map(), new Error('x'), Promise.resolve(right)],
    ...[new ArrayBuffer(8), new DataView(new ArrayBuffer(8)), new BigInt64Array(2), new Float64Array(2), new Uint8ClampedArray(3)],
    ...[new Int32Array(0), Int32Array.of(-1), Int32Array.of(2 ** 31 - 1, -(2 ** 31)), Float32Array.of(Number.NaN, Infinity), shared, ...detached],
    ...[revoked.proxy, new Proxy(object ? right : {}, traps), new Proxy(object ? right : {}, {}), object ? Object.create(right) : {}],
    ...[{ get ids() { return throwing(); } }, { get width() { return throwing(); } }, { get threads() { return throwing(); } }],
    ...Object.values(handles),
    // One field of the right object wrong.
    ...(object && Object.getPrototypeOf(right) === Object.prototype
      ? Object.keys(right).flatMap((key) =>
          [undefined, null, -1, 2.5, Number.NaN, 1e300, 2 ** 31, 'x', {}, [], Symbol('x'), new Int32Array(1), new Uint8Array(5), handles.clip, revoked.proxy].map((value) => ({
            ...right,
            [key]: value,
          })),
        )
      : []),
  ];
}

/** Every argument of a method replaced by every wrong value. Returns how often, and what was not answered as it must be. */
exports.tryWrongArguments = async function tryWrongArguments(handles, name) {
  const right = () => exports.METHODS[name](handles);
  const faults = [];
  let tried = 0;
  for (let place = 0; place < right().length; place += 1) {
    const count = wrongValues(right()[place], handles).length;
    for (let i = 0; i < count; i += 1) {
      const args = right();
      args[place] = wrongValues(args[place], handles)[i];
      tried += 1;
      const error = await exports.outcome(handles, name, args);
      if (error === undefined || error === MINE) continue;
      const typed = isNativeError(error) && /^ERR_[A-Z_]+$/.test(error.code) && error.message.length > 0 && error.message.length < 2_000;
      // What a revoked proxy throws is the engine's own TypeError.
      const engines = error?.name === 'TypeError' && /revoked/.test(error.message);
      if (!typed && !engines) faults.push(`${name}, argument ${place}, value ${i}: ${error?.code} ${String(error?.message ?? error).slice(0, 300)}`);
    }
  }
  return { tried, faults };
};

if (workerData?.everyMethod) {
  const { files, folders } = workerData.everyMethod;
  (async () => {
    await require(files.loader).open(files.libraries);
    const handles = await exports.openAll(require(files.addon), folders);
    const results = [];
    for (const name of Object.keys(exports.METHODS)) results.push(await exports.tryWrongArguments(handles, name));
    await handles.device.close();
    parentPort.postMessage(results);
  })();
}
