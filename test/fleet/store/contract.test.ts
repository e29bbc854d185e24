/** What all stores of results promise. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { openStore, type ResultStore } from '../../../lib/fleet/store';
import { Random } from '../../fuzz/support/random';
import { all, newFile } from './support/files';
import { BUCKET, openTo, START_MS, setAws, TestObjectStore } from './support/object-store';
import { makePipe, Writer } from './support/processes';

/** A kind of store, and what is really there, hidden names and parts of objects among it. */
interface Kind {
  location: () => string;
  raw: () => Promise<string[]>;
  /** A writer in the middle of its work has left something by now. */
  hasBegun: () => Promise<boolean>;
}

let objects: TestObjectStore;
let restoreAws: () => void;
let work: string;
let stores: string;
let count = 0;

beforeAll(async () => {
  objects = await TestObjectStore.start();
  restoreAws = setAws(openTo(objects.url));
}, START_MS);
afterAll(async () => {
  restoreAws();
  await objects.stop();
});
beforeEach(() => {
  count += 1;
  work = mkdtempSync(path.join(tmpdir(), 'store-work-'));
  stores = mkdtempSync(path.join(tmpdir(), 'store-'));
});
afterEach(() => {
  rmSync(work, { recursive: true });
  rmSync(stores, { recursive: true });
});

const KINDS: Record<string, Kind> = {
  'a folder': {
    location: () => path.join(stores, 'shared', 'results of 猫'),
    raw: async () => readdirSync(stores, { recursive: true, withFileTypes: true }).map(({ name }) => name),
    hasBegun: async () => readdirSync(stores, { recursive: true }).some((name) => String(name).endsWith('.tmp')),
  },
  'a bucket': {
    location: () => `s3://${BUCKET}/test ${count}/results of 猫`,
    raw: async () => {
      const { Contents = [] } = await objects.client.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `test ${count}/` }));
      return [...Contents.map(({ Key }) => Key as string), ...(await parts())];
    },
    hasBegun: async () => (await parts()).length > 0,
  },
};

async function parts(): Promise<string[]> {
  const { Uploads = [] } = await objects.client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: `test ${count}/` }));
  return Uploads.map(({ Key }) => `parts of ${Key}`);
}

const local = (content: Uint8Array | string): string => newFile(work, content);

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const inBytes = (names: Iterable<string>): string[] => [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

/** Parts of many scripts, with signs that addresses, XML and shells take for their own; files and folders differ in their endings. */
function someNames(random: Random, many: number): string[] {
  const letters = [...'ab01.-_ +%&?#<>"\'=~$@:;,()[]{}!*|^`\\éßяжا猫犬がﬁ！𝒳😀'];
  const word = (): string => {
    const made = Array.from({ length: random.between(1, 12) }, () => random.pick(letters)).join('');
    return made.startsWith('.') ? `x${made}` : made;
  };
  const folders = Array.from({ length: 4 }, (_, i) => `${word()}${i}`);
  const names = new Set<string>();
  while (names.size < many) {
    const folder = Array.from({ length: random.below(3) }, () => `${random.pick(folders)}/`).join('');
    names.add(`${folder}${word()}.jsonl`);
  }
  return [...names];
}

describe.each(Object.keys(KINDS))('%s', (name) => {
  const kind = KINDS[name] as Kind;
  let store: ResultStore;
  beforeEach(async () => {
    store = await openStore(kind.location());
  });
  afterEach(() => store.close());

  test('keeps its location as it was given', () => {
    expect(store.location).toBe(kind.location());
  });

  test('is checked, and nothing is left of it', async () => {
    await store.check();
    await Promise.all(Array.from({ length: 5 }, () => store.check(new AbortController().signal)));
    expect(await kind.raw()).toEqual([]);
  });

  test('an aborted check rejects, and leaves nothing', async () => {
    await expect(store.check(AbortSignal.abort('enough'))).rejects.toMatchObject({ name: 'AbortError', cause: 'enough' });
    const controller = new AbortController();
    const checked = store.check(controller.signal);
    controller.abort();
    await expect(checked).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    while ((await kind.raw()).length > 0) await sleep(10);
  });

  test.each([1, 2, 3])('what was put is read again, whatever its name and length (seed %d)', async (seed) => {
    const random = new Random(seed);
    const lengths = [0, 1, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, ...Array.from({ length: 15 }, () => random.between(0, 5000))];
    const contents = new Map(someNames(random, lengths.length).map((each, i) => [each, randomBytes(lengths[i] as number)]));
    for (const [each, content] of contents) {
      if (random.chance(0.5)) expect(await store.putIfAbsent(each, local(content))).toBe(true);
      else await store.put(each, local(content));
    }
    for (const [each, content] of contents) {
      expect(await store.has(each)).toBe(true);
      expect(digest(await buffer(await store.read(each)))).toBe(digest(content));
    }
    expect(await all(store.list(''))).toEqual(inBytes(contents.keys()));
    expect(await kind.raw()).not.toContainEqual(expect.stringContaining('.tmp'));
  });

  test.each([5 << 20, (5 << 20) + 1, 20_000_000])('%d bytes, which may go in parts', async (length) => {
    const [content, other] = [randomBytes(length), randomBytes(length)];
    expect(await store.putIfAbsent('large', local(content))).toBe(true);
    expect(await store.putIfAbsent('large', local(other))).toBe(false);
    expect(digest(await buffer(await store.read('large')))).toBe(digest(content));
    await store.put('large', local(other));
    expect(digest(await buffer(await store.read('large')))).toBe(digest(other));
    expect(await kind.hasBegun()).toBe(false);
  });

  test('what is there stays, unless it is to be replaced', async () => {
    expect(await store.putIfAbsent('a/b', local('first'))).toBe(true);
    expect(await store.putIfAbsent('a/b', local('second'))).toBe(false);
    expect(String(await buffer(await store.read('a/b')))).toBe('first');
    await store.put('a/b', local('third'));
    expect(String(await buffer(await store.read('a/b')))).toBe('third');
    await store.remove('a/b');
    expect(await store.putIfAbsent('a/b', local('fourth'))).toBe(true);
  });

  test('what is not there is not there: nothing, a folder, a part of a name', async () => {
    await store.put('shards/000012.jsonl', local('here'));
    for (const missing of ['nothing', 'shards', 'shards/000012', 'shards/000012.jsonl/more', 'shards/000013.jsonl']) {
      expect(await store.has(missing)).toBe(false);
      await expect(store.read(missing)).rejects.toMatchObject({ code: 'ERR_IO', message: expect.stringContaining('it is not there') });
    }
  });

  test('a store to which nothing was ever put has nothing', async () => {
    expect(await all(store.list(''))).toEqual([]);
    expect(await store.has('a')).toBe(false);
    await store.remove('a');
    expect(await kind.raw()).toEqual([]);
  });

  test.each([11, 12, 13])('lists and removes by prefixes, which may end anywhere (seed %d)', async (seed) => {
    const random = new Random(seed);
    let names = someNames(random, 40);
    const file = local('x');
    await Promise.all(names.map((each) => store.put(each, file)));
    for (let i = 0; i < 20 && names.length > 0; i += 1) {
      const whole = random.pick(names);
      const prefix = [...whole].slice(0, random.between(1, [...whole].length)).join('');
      expect(await all(store.list(prefix))).toEqual(inBytes(names.filter((each) => each.startsWith(prefix))));
      if (random.chance(0.6)) {
        await store.remove(prefix);
        names = names.filter((each) => !each.startsWith(prefix));
      }
      expect(await all(store.list(''))).toEqual(inBytes(names));
    }
    for (const each of names) await store.remove(each);
    expect((await kind.raw()).filter((each) => each !== 'shared' && each !== 'results of 猫')).toEqual([]);
  });

  test('without a prefix nothing is removed', async () => {
    await store.put('a', local('here'));
    await expect(store.remove('')).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    expect(await store.has('a')).toBe(true);
  });

  test.each([
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    '../a',
    'a/../b',
    'a/./b',
    'a\0b',
    'a\nb',
    '\ud800',
    '.torch-interrogator.x',
    'a/.torch-interrogator.1.lock',
  ])('%j is no name', async (wrong) => {
    const refused = { code: 'ERR_INVALID_ARGUMENT' };
    const file = local('x');
    await expect(store.put(wrong, file)).rejects.toMatchObject(refused);
    await expect(store.putIfAbsent(wrong, file)).rejects.toMatchObject(refused);
    await expect(store.has(wrong)).rejects.toMatchObject(refused);
    await expect(store.read(wrong)).rejects.toMatchObject(refused);
    expect(await kind.raw()).toEqual([]);
  });

  test('a local file that cannot be read is named, and nothing is written', async () => {
    for (const file of [path.join(work, 'missing'), work]) {
      const fault = { code: 'ERR_IO', message: expect.stringContaining(`${file} cannot be read`) };
      await expect(store.put('a', file)).rejects.toMatchObject(fault);
      await expect(store.putIfAbsent('a', file)).rejects.toMatchObject(fault);
    }
    expect(await all(store.list(''))).toEqual([]);
    expect(await kind.raw()).not.toContainEqual(expect.stringContaining('.tmp'));
  });

  test('a stream that is given up ends, read or not', async () => {
    await store.put('a', local(randomBytes(3_000_000)));
    const unread = await store.read('a');
    const begun = await store.read('a');
    for await (const _ of begun) break;
    for (const stream of [unread, begun]) {
      stream.destroy();
      if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve));
    }
    expect(
      readdirSync('/proc/self/fd')
        .map((fd) => linkOf(fd))
        .filter((file) => file.startsWith(stores)),
    ).toEqual([]);
  });

  test('of several at once in a process, one writes', async () => {
    const contents = Array.from({ length: 12 }, () => randomBytes(100_000));
    const written = await Promise.all(contents.map((content) => store.putIfAbsent('deep/er/one', local(content))));
    expect(written.filter(Boolean)).toHaveLength(1);
    expect(digest(await buffer(await store.read('deep/er/one')))).toBe(digest(contents[written.indexOf(true)] as Buffer));
  });

  test('of several processes at once, one writes', async () => {
    const writers = await Promise.all(Array.from({ length: 5 }, () => Writer.start(kind.location())));
    try {
      // The last one goes in parts.
      for (const length of [0, 10, 1000, 300_000, 9_000_000]) {
        const contents = writers.map(() => randomBytes(length));
        const files = contents.map(local);
        for (const [i, writer] of writers.entries()) writer.begin(`results/${length}`, files[i] as string);
        const answers = await Promise.all(writers.map((writer) => writer.next()));
        const winners = answers.flatMap(({ written }, i) => (written ? [i] : []));
        expect(winners).toHaveLength(1);
        expect(digest(await buffer(await store.read(`results/${length}`)))).toBe(digest(contents[winners[0] as number] as Buffer));
      }
      expect(await kind.hasBegun()).toBe(false);
    } finally {
      for (const writer of writers) await writer.kill();
    }
  });

  test('what a writer that is killed leaves is no result, and goes', async () => {
    const pipe = makePipe(path.join(work, 'pipe'));
    const writer = await Writer.start(kind.location());
    try {
      writer.begin('shards/1', pipe);
      const end = await open(pipe, 'w');
      // More than a part, and never the end.
      await end.write(randomBytes(12_000_000));
      while (!(await kind.hasBegun())) await sleep(10);
      await writer.kill();
      await end.close();
    } finally {
      await writer.kill();
    }
    expect(await store.has('shards/1')).toBe(false);
    expect(await all(store.list(''))).toEqual([]);
    expect(await kind.hasBegun()).toBe(true);
    expect(await store.putIfAbsent('shards/1', local('whole'))).toBe(true);
    expect(String(await buffer(await store.read('shards/1')))).toBe('whole');
    expect(await all(store.list(''))).toEqual(['shards/1']);
    await store.remove('shards/');
    expect((await kind.raw()).filter((each) => each !== 'shared' && each !== 'results of 猫')).toEqual([]);
  });
});

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}
