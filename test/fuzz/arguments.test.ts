/** Every public method with arguments that nobody would write: an answer, or a typed error; never a hang, never the process's end. */
import { Config, Features, Interrogator, LabelTable, loadList } from '../../lib';
import { testImage } from '../support/images';
import { fuzz, outcome } from './support/fuzz';
import type { Random } from './support/random';

type Anything = never;
type Make = (random: Random) => unknown;

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

const throwing = (): never => {
  throw new Error('a trap');
};
const trap = new Proxy({}, { get: throwing, has: throwing, ownKeys: throwing, getPrototypeOf: throwing });
const NAMES =
  'signal onProgress mode caption minFlavors maxFlavors concurrency topCount reverse bestPrompt minCount data width height channels'.split(
    ' ',
  );

const SCALARS: unknown[] = [
  ...[
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1,
    -1,
    1.5,
    2 ** 31,
    2 ** 53,
    1e300,
    Number.NaN,
    Infinity,
    -Infinity,
    10n,
    10n ** 400n,
    Symbol('odd'),
  ],
  ...[
    '',
    'a',
    '\0',
    '\ud800',
    'x'.repeat(100_000),
    'constructor',
    '__proto__',
    'fast',
    'cpu',
    './',
    '/dev/null',
    '/proc/self/mem',
    '/',
    'data:,',
    'file:///',
    'http://',
  ],
];

const OBJECTS: Make[] = [
  () => revoked({}),
  () => revoked([]),
  () => revoked(() => {}),
  () => trap,
  () => Object.create(null),
  () => new Date(Number.NaN),
  () => /a/,
  () => new Map([['a', 1]]),
  () => Promise.resolve('a'),
  () => () => {},
  () => class {},
  () => new Array(2 ** 32 - 1),
  () => Object.assign(new Array(5), { 2: 'a' }),
  () => Object.assign(['a'], { length: 3 }),
  () => new Proxy(['a', 'b'], { get: (list, name) => (name === '1' ? throwing() : Reflect.get(list, name)) }),
  () => new Proxy([], { get: (list, name) => (name === 'length' ? 2 ** 40 : Reflect.get(list, name)) }),
  () => new Uint8Array(0),
  () => new Uint8Array(structuredClone(new ArrayBuffer(8), {})),
  () => {
    const bytes = new Uint8Array(64);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    return bytes;
  },
  () => new Float64Array(3),
  () => new DataView(new ArrayBuffer(4)),
  () => new SharedArrayBuffer(8),
  () => ({ [Symbol.iterator]: 5 }),
  () => ({ [Symbol.iterator]: throwing }),
  () => ({ [Symbol.iterator]: () => ({}) }),
  () => ({ [Symbol.iterator]: () => ({ next: throwing }) }),
  () => ({ [Symbol.iterator]: () => ({ next: () => 5 }) }),
  () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('no more')) }) }),
  () => ({
    [Symbol.asyncIterator]: () => ({
      next: () => ({
        get done() {
          return throwing();
        },
      }),
    }),
  }), // prettier-ignore
  () => ({ [Symbol.asyncIterator]: () => ({ next: async () => ({ value: 'x', done: false }), return: throwing }) }),
  () => Object.create(Interrogator.prototype),
  () => Object.create(LabelTable.prototype),
  () => Object.create(Config.prototype),
  () => Object.create(AbortSignal.prototype),
  () => AbortSignal.abort('before'),
  () => AbortSignal.timeout(1),
  () => new Error('an error'),
  () => globalThis,
  () => testImage(1),
  () => ({ ...testImage(1), width: 41 }),
  () => ({ data: new Uint8Array(3), width: 2 ** 31, height: 2 ** 31, channels: 3 }),
];

function odd(random: Random, depth = 0): unknown {
  const kind = random.below(depth < 3 ? 5 : 2);
  if (kind === 0) return random.pick(SCALARS);
  if (kind <= 2) return random.pick(OBJECTS)(random);
  if (kind === 3) return Array.from({ length: random.below(4) }, () => odd(random, depth + 1));
  const fields: Record<string, unknown> = {};
  for (let i = random.below(4); i >= 0; i -= 1) {
    const name = random.pick(NAMES);
    if (random.chance(0.2)) Object.defineProperty(fields, name, { enumerable: true, configurable: true, get: throwing });
    else Object.defineProperty(fields, name, { enumerable: true, configurable: true, value: odd(random, depth + 1) });
  }
  return fields;
}

test('odd arguments are answered or refused by a typed error', async () => {
  const settings = {
    clipModelName: 'sample',
    captionModelName: 'sample',
    device: 'cpu',
    threads: 1,
    cachePath: null,
    quiet: true,
    flavorIntermediateCount: 16,
  };
  const ours = await Interrogator.create(settings);
  const features = await ours.imageToFeatures(testImage(1));
  const table = await LabelTable.create(['red', 'blue'], null, ours);
  const batch = async (...args: unknown[]): Promise<void> => {
    let taken = 0;
    for await (const { error } of ours.interrogateBatch(...(args as [Anything, Anything]))) {
      if (error) await outcome(() => Promise.reject(error));
      if (++taken === 3) break;
    }
  };
  // Each method with arguments that it takes.
  const methods: [string, (...args: Anything[]) => unknown, unknown[]][] = [
    ['new Config', (input) => new Config(input), [{}]],
    ['Config.lowVram', (input) => Config.lowVram(input), [{}]],
    ['Interrogator.create', async (config, options) => (await Interrogator.create(config, options)).dispose(), [settings, {}]],
    ['prepare', (options) => ours.prepare(options), [{}]],
    ['interrogate', (...args) => ours.interrogate(...(args as [Anything])), [testImage(1), { caption: 'a', maxFlavors: 1 }]],
    ['interrogateClassic', (...args) => ours.interrogateClassic(...(args as [Anything])), [testImage(1), {}]],
    ['interrogateFast', (...args) => ours.interrogateFast(...(args as [Anything])), [testImage(1), {}]],
    ['interrogateNegative', (...args) => ours.interrogateNegative(...(args as [Anything])), [testImage(1), { maxFlavors: 2 }]],
    ['describe', (...args) => ours.describe(...(args as [Anything])), [testImage(1), { mode: 'fast' }]],
    ['interrogateBatch', batch, [[testImage(1)], { mode: 'caption' }]],
    ['generateCaption', (...args) => ours.generateCaption(...(args as [Anything])), [testImage(1), {}]],
    ['imageToFeatures', (...args) => ours.imageToFeatures(...(args as [Anything])), [testImage(1), {}]],
    ['textToFeatures', (...args) => ours.textToFeatures(...(args as [Anything])), [['a'], {}]],
    ['rankTop', (...args) => ours.rankTop(...(args as [Anything, Anything])), [features, ['a', 'b'], {}]],
    ['similarity', (...args) => ours.similarity(...(args as [Anything, Anything])), [features, 'a', {}]],
    ['similarities', (...args) => ours.similarities(...(args as [Anything, Anything])), [features, ['a'], {}]],
    ['chain', (...args) => ours.chain(...(args as [Anything, Anything])), [features, ['a', 'b'], { maxCount: 1 }]],
    ['features.toArray', (options) => features.toArray(options), [{}]],
    ['features.similarity', (...args) => features.similarity(...(args as [Anything])), [features, {}]],
    [
      'Features.from',
      (...args) => Features.from(...(args as unknown as [Anything, Anything])),
      [new Float32Array(ours.embedDim), ours, {}],
    ],
    ['LabelTable.create', (...args) => LabelTable.create(...(args as [Anything, Anything, Anything])), [['a'], null, ours, {}]],
    ['LabelTable.merge', (...args) => LabelTable.merge(...(args as unknown as [Anything, Anything])), [[table], ours]],
    ['table.prepare', (options) => table.prepare(options), [{}]],
    ['table.rank', (...args) => table.rank(...(args as [Anything])), [features, {}]],
    ['table.rankScored', (...args) => table.rankScored(...(args as [Anything])), [features, { topCount: 2 }]],
    ['loadList', (...args) => loadList(...(args as [Anything])), ['/nowhere', 'a']],
  ];
  const tried = new Set<string>();
  try {
    await fuzz('arguments', { seconds: 8, least: 300 }, async (random) => {
      const [name, call, usual] = random.pick(methods);
      const args = usual.map((value) => (random.chance(0.5) ? odd(random) : value)) as Anything[];
      tried.add(name);
      await outcome(() => call(...args)).catch((error: Error) => {
        throw Object.assign(new Error(`${name}: ${error.message}`), { stack: error.stack });
      });
    });
    // What runs on was not harmed by any of it.
    expect((await ours.imageToFeatures(testImage(1))).rows).toBe(1);
    if (process.env.FUZZ_CASE === undefined) expect(tried.size).toBe(methods.length);
  } finally {
    await ours.dispose();
  }
});
