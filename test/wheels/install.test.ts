/** Folders made of wheels: whole or not at all. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Installation, install } from '../../lib/wheels';
import { makeWheel, PackageIndex } from '../support/package-index';

const WHEEL = makeWheel('lists', '1.0', { 'lists/a.txt': 'a', 'lists/sub/lib.so.1': 'b', 'lists/': '', 'other.txt': 'c' });
const saved = { ...process.env };

let cache: string;
let folder: string;
let index: PackageIndex;

beforeEach(async () => {
  cache = mkdtempSync(path.join(os.tmpdir(), 'install-'));
  folder = path.join(cache, 'made', 'lists-1.0');
  index = await PackageIndex.start([WHEEL]);
  for (const name of Object.keys(process.env)) if (name.startsWith('PIP_')) delete process.env[name];
  Object.assign(process.env, {
    TORCH_INTERROGATOR_CACHE: cache,
    NO_PROXY: '127.0.0.1',
    PIP_CONFIG_FILE: '/dev/null',
    PIP_INDEX_URL: index.url,
    PIP_RETRIES: '0',
  });
});
afterEach(async () => {
  process.env = { ...saved };
  await index.stop();
  rmSync(cache, { recursive: true });
});

const place = (name: string): string | undefined => /^lists\/(.+)/.exec(name)?.[1];
const installation = (changes: Partial<Installation> = {}): Installation => ({
  title: 'the lists',
  wheels: [WHEEL],
  place,
  space: 1000,
  hint: 'Try again.',
  ...changes,
});
const downloads = (): string[] => readdirSync(path.join(cache, 'downloads'));

test('what has a place is there, libraries can be executed, and nothing else is left', async () => {
  const titles = new Set<string>();
  await install(folder, installation(), { report: (title) => titles.add(title) });
  expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['a.txt', 'sub', 'sub/lib.so.1']);
  expect(['a.txt', 'sub/lib.so.1'].map((name) => statSync(path.join(folder, name)).mode & 0o100)).toEqual([0, 0o100]);
  expect([...titles]).toEqual(['Asking the package index for the lists', 'Downloading lists 1.0', 'Unpacking lists 1.0']);
  expect([readdirSync(path.dirname(folder)), downloads()]).toEqual([['lists-1.0'], []]);
});

test('what is there is not fetched again', async () => {
  await install(folder, installation());
  await Promise.all([install(folder, installation()), install(folder, installation())]);
  expect(index.requests).toHaveLength(2);
});

test('what does not pass the check does not get its name', async () => {
  const check = (made: string): void => {
    throw new Error(readFileSync(path.join(made, 'a.txt'), 'utf8'));
  };
  await expect(install(folder, installation({ check }))).rejects.toThrow('a');
  expect(existsSync(folder)).toBe(false);
  await install(folder, installation());
  expect(index.paths.filter((url) => url.startsWith('/files/'))).toHaveLength(1);
});

test('too little space is told before anything is fetched', async () => {
  await expect(install(folder, installation({ space: 1e18 }))).rejects.toMatchObject({
    code: 'ERR_IO',
    message: expect.stringMatching(/^the lists needs? .* GB of disk/i),
  });
  expect(index.requests).toEqual([]);
});

test('an abort rejects, gives the lock back and leaves no half', async () => {
  for (const abortAt of ['Asking', 'Downloading', 'Unpacking']) {
    const controller = new AbortController();
    const report = (title: string): void => {
      if (title.startsWith(abortAt)) controller.abort('enough');
    };
    await expect(install(folder, installation(), { report, signal: controller.signal })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
      cause: 'enough',
    });
    expect(readdirSync(path.dirname(folder)).filter((name) => !name.endsWith('.unpacking'))).toEqual([]);
  }
  await install(folder, installation());
});

test('a break in the middle of many files is one error, and nothing goes on behind it', async () => {
  const entries = Array.from({ length: 60 }, (_, index) => [`lists/${index}.bin`, new Uint8Array(3_000_000)]);
  const large = makeWheel('lists', '1.0', Object.fromEntries(entries));
  index.wheels[0] = large;
  const controller = new AbortController();
  let told = 0;
  const report = (title: string, done: number): void => {
    if (!title.startsWith('Unpacking')) return;
    told += 1;
    if (done > 20_000_000) controller.abort();
  };
  await expect(install(folder, installation({ wheels: [large] }), { report, signal: controller.signal })).rejects.toMatchObject({
    code: 'ERR_ABORTED',
  });
  const before = told;
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(told).toBe(before);

  // A folder where a file is to be.
  const blocked = installation({ wheels: [large], place: (name) => (name.endsWith('/30.bin') ? 'x/..' : place(name)) });
  await expect(install(folder, blocked)).rejects.toMatchObject({ code: 'ERR_IO' });
});

test('a zip that leads out of its folder is refused', async () => {
  const hostile = makeWheel('lists', '1.0', { 'lists/../../../escaped.txt': 'x' });
  index.wheels[0] = hostile;
  await expect(install(folder, installation({ wheels: [hostile] }))).rejects.toThrow(/invalid relative path/);
  expect(existsSync(path.join(cache, 'escaped.txt'))).toBe(false);
});
