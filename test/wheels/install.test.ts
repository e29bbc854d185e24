/** Folders made of wheels: whole or not at all. */
import fs, { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import promises from 'node:fs/promises';
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
  jest.restoreAllMocks();
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

test("pages and files come through pip's proxy, and from hosts that pip is told to trust", async () => {
  index.instead = (request) => {
    request.url = new URL(request.url ?? '').pathname;
    return false;
  };
  Object.assign(process.env, { PIP_INDEX_URL: 'http://pypi.example/simple', PIP_PROXY: index.origin, PIP_TRUSTED_HOST: 'pypi.example' });
  await install(folder, installation());
  expect(index.paths).toEqual(['/simple/lists/', `/files/${WHEEL.file}`]);
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
  // The wheel was whole.
  expect(index.paths.filter((url) => url.startsWith('/files/'))).toHaveLength(1);
});

test('too little space is told before anything is fetched', async () => {
  await expect(install(folder, installation({ space: 1e18 }))).rejects.toMatchObject({
    code: 'ERR_IO',
    message: expect.stringMatching(/^the lists needs? .* GB of disk/i),
  });
  expect(index.requests).toEqual([]);
});

test('a file system that does not say how much room it has is tried', async () => {
  jest.spyOn(promises, 'statfs').mockResolvedValue({ bavail: 0, bsize: 4096, blocks: 0 } as never);
  await install(folder, installation({ space: 1e18 }));
  expect(existsSync(folder)).toBe(true);
});

test('installations of the same wheel do not meet, neither where it is fetched nor where it is removed', async () => {
  const names = ['lists-cpu', 'lists-cuda', 'lists-1.0'];
  const folders = names.map((name) => path.join(cache, 'made', name));
  const content = Buffer.alloc(3_000_000, 'x');
  const large = makeWheel('lists', '1.0', { 'lists/a.bin': content, 'lists/b.txt': 'b' });
  index.wheels[0] = large;
  await Promise.all(folders.map((each) => install(each, installation({ wheels: [large] }))));
  for (const each of folders) expect(readFileSync(path.join(each, 'a.bin')).equals(content)).toBe(true);
  expect(downloads()).toEqual([]);
});

test('a wheel that was fetched before and is damaged since is fetched again', async () => {
  const check = (): void => {
    throw new Error('not yet');
  };
  await expect(install(folder, installation({ check }))).rejects.toThrow('not yet');
  const [wheel] = downloads() as [string];
  truncateSync(path.join(cache, 'downloads', wheel), 40);
  await install(folder, installation());
  expect(readFileSync(path.join(folder, 'a.txt'), 'utf8')).toBe('a');
});

test('what has its name is on the disk, each file of it', async () => {
  const synced: string[] = [];
  const made = fs.createWriteStream;
  jest.spyOn(fs, 'createWriteStream').mockImplementation((target, options) => {
    if ((options as { flush?: boolean }).flush) synced.push(path.basename(String(target)));
    return made(target, options);
  });
  await install(folder, installation());
  expect(synced.sort()).toEqual(['a.txt', 'lib.so.1']);
});

test.each(['Asking', 'Downloading', 'Unpacking'])(
  'what a listener throws while %s is its own error, not one of the disk',
  async (stage) => {
    const broken = new TypeError('on purpose');
    const report = (title: string): void => {
      if (title.startsWith(stage)) throw broken;
    };
    await expect(install(folder, installation(), { report })).rejects.toBe(broken);
    await install(folder, installation());
  },
);

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
  await expect(install(folder, installation({ wheels: [hostile] }))).rejects.toThrow(/^invalid relative path/);
  expect(existsSync(path.join(cache, 'escaped.txt'))).toBe(false);
});
