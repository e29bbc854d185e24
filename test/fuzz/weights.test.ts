/** Files of weights and graphs, changed at random and made to do harm: each loads, or is refused with a typed error. */
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toInterrogatorError } from '../../lib/errors';
import type { NativeBinding, NativeDevice, NativeGraphSource } from '../../lib/native/types';
import { imageOf, openBinding } from '../support/native';
import {
  checkpoint,
  pickle,
  pickledState,
  pickledTensor,
  type SafetensorsEntry,
  safetensors,
  safetensorsHeader,
  stridesOf,
  type Tensors,
  withHeader,
} from './support/checkpoints';
import { fuzz, outcome } from './support/fuzz';
import { mutated, type Random } from './support/random';

const SAMPLE = path.join(__dirname, '..', '..', 'models', 'sample', 'clip');
const NAMES = { conv: 'tower.conv1.weight', norm: 'tower.bn1.weight', project: 'tower.attnpool.c_proj.weight' };
const SHAPES = { conv: [8, 3, 3, 3], norm: [8], project: [512, 256] };
const TENSORS: Tensors = Object.fromEntries(
  Object.entries(SHAPES).map(([name, shape]) => {
    const count = shape.reduce((product, side) => product * side, 1);
    return [name, { shape, data: Float32Array.from({ length: count }, (_, i) => Math.sin(i) / 20) }];
  }),
);
const WHOLE_NUMBERS = [0, 1, 2, 7, 255, 4096, 2 ** 31, 2 ** 32 + 1, 2 ** 40, 2 ** 53, -1, -(2 ** 40)];
const MOST_MEMORY = 350_000; // KiB, more than at the start

let binding: NativeBinding;
let device: NativeDevice;
let work: string;
let graph: Buffer;
let marker: string;

beforeAll(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'fuzz-weights-'));
  marker = path.join(work, 'ran');
  binding = await openBinding();
  device = await binding.openDevice('cpu', { threads: 1 });
  graph = graphOf(header());
  // What loading takes once is not what a file makes it take.
  await outcome(() => run({ bundle: graph, weights: file(safetensors(TENSORS)) }));
});
afterAll(async () => {
  await device?.close();
  rmSync(work, { recursive: true, force: true });
});

/** The sample's towers with their weights, of which three are taken from a file. */
function header(): Record<string, unknown> {
  const manifest = JSON.parse(readFileSync(path.join(SAMPLE, 'manifest.json'), 'utf8'));
  const sizes = ['image.pt', 'text.pt'].map((name) => readFileSync(path.join(SAMPLE, name)).length) as [number, number];
  const { conv, norm, project } = NAMES;
  const image = [
    { to: conv, from: 'conv' },
    { to: norm, from: 'norm', rows: [0, 8] },
    { to: project, from: 'project', transpose: true, shape: [256, 512] },
  ];
  const modules = { 'image.pt': [0, sizes[0]], 'text.pt': [sizes[0], sizes[0] + sizes[1]] };
  return { graphVersion: 1, kind: 'clip', manifest, modules, tensors: SHAPES, parameters: { 'image.pt': image } };
}

function graphOf(json: unknown): Buffer {
  return withHeader(json, ...['image.pt', 'text.pt'].map((name) => readFileSync(path.join(SAMPLE, name))));
}

function file(bytes: Buffer): string {
  const name = path.join(work, 'weights');
  writeFileSync(name, bytes);
  return name;
}

/** Opens the model and runs it, or says with which typed error it does not open. */
async function run(source: NativeGraphSource): Promise<string> {
  const opened = await outcome(() => binding.openClipModel(device, source).catch(typed));
  if (!opened.value) return opened.code as string;
  const image = imageOf(binding, 1);
  const features = await outcome(() =>
    opened.value?.imageFeatures(image).catch((error) => (isMisshapen(error) ? undefined : typed(error))),
  );
  features.value?.close();
  await opened.value.close();
  return 'loaded';
}

async function check(bytes: Buffer): Promise<string> {
  const { code } = await outcome(() => binding.checkWeights({ bundle: graph, weights: file(bytes) }).catch(typed));
  return code ?? 'fits';
}

/** A graph may give a tower a weight of a shape that it cannot compute with; libtorch says so. */
function isMisshapen(error: unknown): boolean {
  const { code, message } = error as { code?: string; message: string };
  return code === 'ERR_RUNTIME' && message.startsWith("the model's forward failed: ");
}

function typed(error: unknown): never {
  throw toInterrogatorError(error);
}

/** KiB. */
function memory(field: 'VmRSS' | 'VmHWM'): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

/** Fails where what ran in between ever took far more memory than the files are large. Linux alone can forget the most that was before. */
async function inLittleMemory(attempts: () => Promise<void>): Promise<void> {
  if (process.platform !== 'linux') return attempts();
  writeFileSync('/proc/self/clear_refs', '5');
  const before = memory('VmRSS');
  await attempts();
  expect(memory('VmHWM') - before).toBeLessThan(MOST_MEMORY);
}

/** Refuses a file that was made to take long, in the time and the memory that its size explains. */
async function expectQuickRefusal(weights: string): Promise<void> {
  await inLittleMemory(async () => {
    const start = performance.now();
    const refused = await outcome(() => binding.checkWeights({ bundle: graph, weights }).catch(typed));
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(refused.code).toBe('ERR_WEIGHTS_INVALID');
    expect((refused.message as string).length).toBeLessThan(3000);
  });
}

const counted = () => {
  const seen = new Map<string, number>();
  return { seen, count: (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1) };
};

test('files that are as they should be load', async () => {
  for (const bytes of [safetensors(TENSORS), checkpoint(TENSORS)]) {
    expect(await check(bytes)).toBe('fits');
    expect(await run({ bundle: graph, weights: file(bytes) })).toBe('loaded');
  }
});

test('changed bytes', async () => {
  const { seen, count } = counted();
  const sound = [safetensors(TENSORS), checkpoint(TENSORS)];
  await inLittleMemory(() =>
    fuzz('weights', { seconds: 8 }, async (random) => {
      const bytes = mutated(random.pick(sound), random);
      if (random.chance(0.7)) count(await check(bytes));
      else count(await run({ bundle: graph, weights: file(bytes) }));
    }),
  );
  expect([...seen.keys()].sort()).toEqual(expect.arrayContaining(['ERR_WEIGHTS_INVALID']));
  expect([...seen.keys()].every((key) => ['ERR_WEIGHTS_INVALID', 'fits', 'loaded'].includes(key))).toBe(true);
});

function changedHeader(random: Random): unknown {
  const entries = safetensorsHeader(TENSORS) as Record<string, SafetensorsEntry & Record<string, unknown>>;
  const entry = entries[random.pick(Object.keys(entries))] as SafetensorsEntry & Record<string, unknown>;
  const number = () => random.pick(WHOLE_NUMBERS);
  const changes = [
    () => (entry.data_offsets = [number(), number()]),
    () =>
      (entry.data_offsets = safetensorsHeader(TENSORS).norm?.data_offsets.map((each) => each + random.pick([0, -4, 4, 1, 2 ** 40])) as [
        number,
        number,
      ]),
    () => (entry.shape = Array.from({ length: random.below(6) }, number)),
    () => (entry.shape = Array.from({ length: random.pick([64, 1000, 50_000]) }, () => random.pick([1, 2, 2 ** 20]))),
    () => (entry.dtype = random.pick(['F16', 'BF16', 'I64', 'F64', 'BOOL', 'F8_E4M3', '', 'X'.repeat(5000)])),
    () => delete entry[random.pick(['dtype', 'shape', 'data_offsets'])],
    () =>
      (entry[random.pick(['dtype', 'shape', 'data_offsets'])] = random.pick([null, {}, [], 'x', 1.5, [1.5], [null, 1], [[0], [4]], 1e300])),
    () => (entries[`${random.below(1000)}`] = { ...entry }),
  ];
  for (let i = random.between(1, 3); i > 0; i -= 1) random.pick(changes)();
  return entries;
}

test('safetensors headers that say something else', async () => {
  const { seen, count } = counted();
  await inLittleMemory(() =>
    fuzz('weights-headers', { seconds: 4 }, async (random) => void count(await check(safetensors(TENSORS, changedHeader(random))))),
  );
  expect(seen.get('ERR_WEIGHTS_INVALID')).toBeGreaterThan(0);
  expect([...seen.keys()].every((key) => ['ERR_WEIGHTS_INVALID', 'fits'].includes(key))).toBe(true);
});

interface Place {
  key: string;
  shape: readonly number[];
  strides: readonly number[];
  offset: number;
  elements: number;
}

/** Whether such a tensor is the one that the graph expects, and lies inside its storage, and that inside its file. */
function isSound(name: string, { key, shape, strides, offset, elements }: Place): boolean {
  const right = TENSORS[name]?.shape as readonly number[];
  const stored = Object.values(TENSORS)[Number(key)];
  if (!stored || String(shape) !== String(right) || strides.length !== shape.length) return false;
  if (offset < 0 || elements < 0 || elements > stored.data.length || strides.some((stride) => stride < 0)) return false;
  const last = shape.reduce((sum, side, i) => sum + BigInt(side - 1) * BigInt(strides[i] as number), BigInt(offset));
  return last < elements && shape.reduce((product, side) => product * side, 1) <= elements;
}

test('tensors that reach beyond their storages', async () => {
  const { seen, count } = counted();
  const some = (random: Random, right: readonly number[]) =>
    random.chance(0.8) ? right : Array.from({ length: random.pick([right.length, random.below(20)]) }, () => random.pick(WHOLE_NUMBERS));
  await inLittleMemory(() =>
    fuzz('weights-strides', { seconds: 4 }, async (random) => {
      const places = Object.entries(TENSORS).map(([name, { shape, data }], i): [string, Place] => [
        name,
        {
          key: random.chance(0.9) ? String(i) : random.pick(['../0', '0', '1', '2', '3']),
          shape: some(random, shape),
          strides: random.chance(0.2) ? shape.map(() => random.pick([0, 1, 2, 3, 9, 27, 256, 257])) : some(random, stridesOf(shape)),
          offset: random.chance(0.8) ? 0 : random.pick([...WHOLE_NUMBERS, data.length - 1, data.length]),
          elements: random.chance(0.8) ? data.length : random.pick([...WHOLE_NUMBERS, data.length - 1, data.length + 1]),
        },
      ]);
      const entries = places.map(([name, place]) => [pickle.text(name), pickledTensor(place.key, place)] as const);
      const bytes = checkpoint(TENSORS, pickle.whole(pickle.dict(entries)));
      const expected = places.every(([name, place]) => isSound(name, place)) ? 'loaded' : 'ERR_WEIGHTS_INVALID';
      expect(await run({ bundle: graph, weights: file(bytes) })).toBe(expected);
      count(expected);
    }),
  );
  expect([...seen.keys()].sort()).toEqual(['ERR_WEIGHTS_INVALID', 'loaded']);
});

describe('pickles that would run code', () => {
  const command = () => pickle.text(`touch ${marker}`);
  const system = () => pickle.global('os', 'system');
  const within = (value: Buffer): Buffer => pickle.whole(pickle.dict([[pickle.text('conv'), value]]));
  const raw = (...parts: (Buffer | string)[]): Buffer =>
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
  const short = (text: string): Buffer => raw('\x8c', Buffer.from([text.length]), text);
  const uint32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
  const script = { code: true };

  test.each<[string, () => Buffer, RegExp]>([
    ['REDUCE of os.system', () => pickle.call(system(), command()), /'os\.system', which was not run/],
    ['REDUCE of builtins.eval', () => pickle.call(pickle.global('builtins', 'eval'), pickle.text('1')), /'builtins\.eval'/],
    ['REDUCE of __builtin__.exec', () => pickle.call(pickle.global('__builtin__', 'exec'), pickle.text('1')), /'__builtin__\.exec'/],
    ['a GLOBAL alone', () => pickle.global('builtins', 'eval'), /'builtins\.eval'/],
    ['STACK_GLOBAL', () => raw(short('os'), short('system'), '\x93(', command(), 'tR'), /'os\.system'/],
    ['STACK_GLOBAL of names from the memo', () => raw(short('os'), '\x94', short('system'), '\x94h\x00h\x01\x93'), /'os\.system'/],
    ['INST', () => raw('(', command(), 'ios\nsystem\n'), /'os\.system'/],
    ['OBJ', () => raw('(', system(), command(), 'o'), /'os\.system'/],
    ['NEWOBJ', () => raw(pickle.global('subprocess', 'Popen'), '(', command(), 't\x81'), /'subprocess\.Popen'/],
    [
      'BUILD with __setstate__',
      () => raw(pickle.global('torch.nn.modules.linear', 'Linear'), ')\x81}b'),
      /'torch\.nn\.modules\.linear\.Linear'/,
    ],
    ['an attribute of what is known', () => pickle.global('torch._utils', '_rebuild_tensor_v2.__globals__'), /__globals__/],
    ['torch.load', () => pickle.call(pickle.global('torch', 'load'), command()), /'torch\.load'/],
    [
      'getattr',
      () => pickle.call(pickle.global('builtins', 'getattr'), pickle.global('torch', 'Size'), pickle.text('x')),
      /'builtins\.getattr'/,
    ],
    ['EXT1', () => raw('\x82\x01'), /instruction 130/],
    ['PERSID', () => raw('Px\n'), /instruction 80/],
    ["TorchScript's classes", () => raw(pickle.global('__torch__.a', 'B'), ')\x81}b'), /'__torch__\.a\.B'/],
    ['a name of a megabyte', () => pickle.global('x'.repeat(1_000_000), 'y'), /'x+…'/],
  ])('%s', async (_, value, message) => {
    const refused = await outcome(() =>
      binding.checkWeights({ bundle: graph, weights: file(checkpoint(TENSORS, within(value()))) }).catch(typed),
    );
    expect(refused).toEqual({ code: 'ERR_WEIGHTS_INVALID', message: expect.stringMatching(message) });
    expect(refused.message).toContain(path.join(work, 'weights'));
    expect((refused.message as string).length).toBeLessThan(1000);
    expect(existsSync(marker)).toBe(false);
  });

  const tensor = (shape: readonly number[]): Buffer => pickledTensor('0', { shape, strides: stridesOf(shape), elements: 1 });
  test.each<[string, () => Buffer]>([
    ['nested a million deep', () => raw(']'.repeat(1_000_000), 'a'.repeat(999_999))],
    ['dictionaries nested 100,000 deep', () => raw('}(X\x01\0\0\0a'.repeat(100_000), '}', 'u'.repeat(100_000))],
    ['a dictionary that holds itself', () => raw('}q\0X\x01\0\0\0ah\0s')],
    ['a billion entries of the memo', () => raw('}', 'q\0}(X\x01\0\0\0ah\0X\x01\0\0\0bh\0u'.repeat(50))],
    ['lists of lists of the memo', () => raw(']', 'q\0]('.concat('h\0'.repeat(50), 'e').repeat(1000))],
    ['eight million marks', () => raw('('.repeat(8_000_000))],
    ['eight million lists', () => raw(']'.repeat(8_000_000))],
    ['a text longer than the file', () => raw('X\xff\xff\xff\x7f')],
    ['a text of 2^63 bytes', () => raw('\x8d', '\xff'.repeat(8))],
    ['40 MB', () => raw('N0'.repeat(20_000_000))],
    ['no end', () => raw('N'.repeat(100))],
    [
      'a dictionary of 700,000 ignored entries, in 190,000 places',
      () => raw('}(K\x01}q\0(', 'NN'.repeat(700_000), 'u', 'K\x01h\0'.repeat(190_000), 'u'),
    ],
    [
      'a dictionary of ignored texts, in dictionaries in many places',
      () =>
        raw('}(K\x01}q\0(', 'NX\x01\0\0\0a'.repeat(500_000), 'uK\x01}q\x01(', 'K\x01h\0'.repeat(500), 'u', 'K\x01h\x01'.repeat(500), 'u'),
    ],
    // Of this many buckets the hash tables of libstdc++ are.
    [
      'values remembered under numbers that a hash table puts into one bucket',
      () => {
        const numbers = Array.from({ length: 50_000 }, (_, i) => uint32(i * 85_229));
        const put = numbers.flatMap((number) => [Buffer.from('r'), number]);
        const get = Array.from({ length: 600_000 }, (_, i) => [
          Buffer.from('j'),
          numbers[(i * 7919) % numbers.length] as Buffer,
          Buffer.from('0'),
        ]);
        return Buffer.concat([Buffer.from('N'), ...[put, get.flat()].map((parts) => Buffer.concat(parts))]);
      },
    ],
    [
      'a storage and a shape of 16 sides, as 600,000 tensors',
      () => {
        const made = pickle.tuple(
          ...[pickle.text('storage'), pickle.global('torch', 'FloatStorage'), pickle.text('0'), pickle.text('cpu'), pickle.integer(1)],
        );
        const sides = raw('(', 'K\x01'.repeat(16), 't');
        const args = raw('(', made, 'QK\0', sides, sides, 't');
        return raw('](', pickle.global('torch._utils', '_rebuild_tensor_v2'), 'q\0', args, 'q\x01', 'h\0h\x01R'.repeat(600_000), 'e');
      },
    ],
    [
      'an id of 64 letters, as 900,000 storages',
      () => {
        const id = pickle.tuple(
          ...[pickle.text('storage'), pickle.global('torch', 'FloatStorage'), pickle.text('0'.repeat(64)), pickle.text('cpu')],
          pickle.integer(1),
        );
        return raw('](', id, 'q\0', 'h\0Q'.repeat(900_000), 'e');
      },
    ],
    [
      'a name of 990 letters before 190,000 tensors',
      () => raw('}(', pickle.text('x'.repeat(990)), '}(K\0', tensor([1]), 'q\x07', numbered(190_000), 'uu'),
    ],
    ['a name of 30 MB', () => raw('}(', pickle.text('x'.repeat(30_000_000)), '}u')],
  ])('%s takes no time and no memory', (_, value) => expectQuickRefusal(file(checkpoint(TENSORS, within(value())))));

  test.each<[string, () => Buffer, { code?: boolean; folder?: string }]>([
    [
      'a class whose name is a text of 8 MB, 300,000 times',
      () =>
        raw('](X', uint32(8_000_010), '__torch__.', 'x'.repeat(8_000_000), 'q\0', short('A'), 'q\x01', 'h\0h\x01\x93'.repeat(300_000), 'e'),
      script,
    ],
    [
      'a folder whose name has 60,000 letters',
      () => raw('}(K\0', tensor([1]), 'q\x07', numbered(190_000), 'u'),
      { folder: 'x'.repeat(60_000) },
    ],
  ])('%s takes no time and no memory', (_, value, form) => expectQuickRefusal(file(checkpoint(TENSORS, within(value()), form))));

  /** Entries of a dictionary under other names each, all of them what is remembered under 7. */
  function numbered(count: number): Buffer {
    return Buffer.concat(Array.from({ length: count }, (_, i) => [Buffer.from('J'), uint32(i), Buffer.from('h\x07')]).flat());
  }

  test('changed at random', async () => {
    const opcodes = Buffer.from(
      '()}]{.012abcdehijloqrstuBCGIJKLMNPQRSTUVX\x80\x81\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x93\x94\x95',
      'latin1',
    );
    const { seen, count } = counted();
    await inLittleMemory(() =>
      fuzz('weights-pickles', { seconds: 5 }, async (random) => {
        const state = pickledState(TENSORS);
        const made = Buffer.from(
          Array.from({ length: random.between(1, 300) }, () => (random.chance(0.7) ? random.pick([...opcodes]) : random.below(256))),
        );
        const pickled = random.chance(0.5)
          ? mutated(state, random)
          : random.chance(0.5)
            ? pickle.whole(made)
            : Buffer.concat([state.subarray(0, random.below(state.length)), made]);
        count(await check(checkpoint(TENSORS, pickled)));
      }),
    );
    expect(seen.get('ERR_WEIGHTS_INVALID')).toBeGreaterThan(0);
    expect([...seen.keys()].every((key) => ['ERR_WEIGHTS_INVALID', 'fits'].includes(key))).toBe(true);
  });
});

describe('JSON that takes no time and no memory', () => {
  const listed = (count: number, entry: (number: number) => string): string =>
    `{${Array.from({ length: count }, (_, i) => `"${i}":${entry(i)}`).join(',')}}`;
  const empty = (count: number): Buffer => withHeader(listed(count, () => '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'));

  test.each<[string, () => Buffer]>([
    ['300,000 tensors that are nothing', () => withHeader(listed(300_000, () => '{}'))],
    ['70,000 tensors without numbers', () => empty(70_000)],
    ['a list of 450,000 objects', () => withHeader(`{"__metadata__":{"a":[${'{},'.repeat(450_000)}{}]}}`)],
    ['a text of 15 MB without an end', () => withHeader(`{"${'x'.repeat(15_000_000)}`)],
    ['a name of 15 MB', () => withHeader(`{"${'x'.repeat(15_000_000)}":{}}`)],
    ['a type of 15 MB', () => withHeader(`{"a":{"dtype":"${'x'.repeat(15_000_000)}","shape":[0],"data_offsets":[0,0]}}`)],
    ['a shape of 400,000 sides', () => withHeader(`{"conv":{"dtype":"F32","shape":[${'1,'.repeat(400_000)}0],"data_offsets":[0,0]}}`)],
    ['an index of 490,000 names in one file', () => Buffer.from(`{"weight_map":${listed(490_000, () => '"shard"')}}`)],
    ['an index of 70,000 tensors in one file', () => Buffer.from(`{"weight_map":${listed(70_000, () => '"shard"')}}`)],
    ['an index of 300,000 files', () => Buffer.from(`{"weight_map":${listed(300_000, (i) => `"${i}"`)}}`)],
    ['an index of a file of many tensors under 20 names', () => Buffer.from(`{"weight_map":${listed(20, (i) => `"shard-${i}"`)}}`)],
    ['an index of 300,000 objects', () => Buffer.from(`{"weight_map":${listed(300_000, () => '{}')}}`)],
  ])('%s', async (_, bytes) => {
    const shard = path.join(work, 'shard');
    writeFileSync(shard, empty(70_000));
    for (let i = 0; i < 20; i += 1) if (!existsSync(`${shard}-${i}`)) symlinkSync(shard, `${shard}-${i}`);
    await expectQuickRefusal(file(bytes()));
  });
});

test('changed graphs', async () => {
  const weights = path.join(work, 'sound');
  writeFileSync(weights, safetensors(TENSORS));
  const size = graph.readUInt32LE(0) + 8;
  const { seen, count } = counted();
  await fuzz('graphs', { seconds: 8, least: 20 }, async (random) => {
    let bundle: Buffer;
    if (random.chance(0.6)) {
      bundle = Buffer.concat([mutated(graph.subarray(0, size), random), graph.subarray(size)]);
    } else {
      const changed = header() as {
        tensors: Record<string, number[]>;
        parameters: Record<string, Record<string, unknown>[]>;
        modules: Record<string, number[]>;
      };
      const source = random.pick(changed.parameters['image.pt'] as Record<string, unknown>[]);
      const numbers = (length: number) => Array.from({ length }, () => random.pick(WHOLE_NUMBERS));
      random.pick([
        () => (source.rows = numbers(2)),
        () => (source.shape = numbers(random.below(4))),
        () => (source.to = random.pick(['tower', '', '.', 'tower.', 'training', NAMES.conv, 'dtype_of', 'x'.repeat(1000)])),
        () => (source.transpose = random.pick([true, 1, 'x'])),
        () => (changed.modules['image.pt'] = numbers(2)),
        () => (changed.tensors[random.pick(['conv', 'norm', 'project'])] = numbers(random.below(4))),
      ])();
      bundle = graphOf(changed);
    }
    count(await run({ bundle, weights }));
  });
  expect(seen.get('ERR_BUNDLE_INVALID')).toBeGreaterThan(0);
  expect(
    [...seen.keys()].every((key) => ['ERR_BUNDLE_INVALID', 'ERR_WEIGHTS_INVALID', 'ERR_INVALID_ARGUMENT', 'loaded'].includes(key)),
  ).toBe(true);
});
