/** Files of weights and graphs, changed at random or made to run code: each loads, or is refused with a typed error. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
  raw,
  type SafetensorsEntry,
  safetensors,
  safetensorsHeader,
  stridesOf,
} from './support/checkpoints';
import { fuzz, outcome } from './support/fuzz';
import { inLittleMemory } from './support/memory';
import { mutated, type Random } from './support/random';
import { graphOf, header, NAMES, TENSORS } from './support/sample-graph';

const WHOLE_NUMBERS = [0, 1, 2, 7, 255, 4096, 2 ** 31, 2 ** 32 + 1, 2 ** 40, 2 ** 53, -1, -(2 ** 40)];

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
  const short = (text: string): Buffer => raw('\x8c', Buffer.from([text.length]), text);

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
