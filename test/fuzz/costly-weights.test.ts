/** Files of weights that are made to take long or to take much memory: each is refused in the time and the memory that its size explains. */
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toInterrogatorError } from '../../lib/errors';
import type { NativeBinding } from '../../lib/native/types';
import { openBinding } from '../support/native';
import { checkpoint, pickle, pickledTensor, raw, safetensors, stridesOf, uint32, withHeader } from './support/checkpoints';
import { outcome } from './support/fuzz';
import { inLittleMemory } from './support/memory';
import { graphOf, header, TENSORS } from './support/sample-graph';

let binding: NativeBinding;
let work: string;
let graph: Buffer;

beforeAll(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'costly-weights-'));
  binding = await openBinding();
  graph = graphOf(header());
  // What reading takes once is not what a file makes it take.
  await binding.checkWeights({ bundle: graph, weights: file(safetensors(TENSORS)) });
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

function file(bytes: Buffer): string {
  const name = path.join(work, 'weights');
  writeFileSync(name, bytes);
  return name;
}

/** Refuses a file that was made to take long, in the time and the memory that its size explains. */
async function expectQuickRefusal(weights: string): Promise<void> {
  await inLittleMemory(async () => {
    const start = performance.now();
    const refused = await outcome(() =>
      binding.checkWeights({ bundle: graph, weights }).catch((error) => Promise.reject(toInterrogatorError(error))),
    );
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(refused.code).toBe('ERR_WEIGHTS_INVALID');
    expect((refused.message as string).length).toBeLessThan(3000);
  });
}

describe('pickles', () => {
  const within = (value: Buffer): Buffer => pickle.whole(pickle.dict([[pickle.text('conv'), value]]));
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
  ])('%s', (_, value) => expectQuickRefusal(file(checkpoint(TENSORS, within(value())))));

  test.each<[string, () => Buffer, { code?: boolean; folder?: string }]>([
    [
      'a class whose name is a text of 8 MB, 300,000 times',
      () =>
        raw(
          '](X',
          uint32(8_000_010),
          '__torch__.',
          'x'.repeat(8_000_000),
          'q\0',
          pickle.text('A'),
          'q\x01',
          'h\0h\x01\x93'.repeat(300_000),
          'e',
        ),
      { code: true },
    ],
    [
      'a folder whose name has 60,000 letters',
      () => raw('}(K\0', tensor([1]), 'q\x07', numbered(190_000), 'u'),
      { folder: 'x'.repeat(60_000) },
    ],
  ])('%s', (_, value, form) => expectQuickRefusal(file(checkpoint(TENSORS, within(value()), form))));

  /** Entries of a dictionary under other names each, all of them what is remembered under 7. */
  function numbered(count: number): Buffer {
    return Buffer.concat(Array.from({ length: count }, (_, i) => [Buffer.from('J'), uint32(i), Buffer.from('h\x07')]).flat());
  }
});

describe('JSON', () => {
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
