/** Shared folders: what their file systems do. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import files from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { openStore, type ResultStore } from '../../../lib/fleet/store';
import { mountSmall, mounts } from '../../support/small-disk';
import { all, newFile } from './support/files';
import { Writer } from './support/processes';

let work: string;
let folder: string;
let store: ResultStore;
beforeEach(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'store-work-'));
  folder = path.join(mkdtempSync(path.join(tmpdir(), 'store-')), 'results');
  store = await openStore(folder);
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(work, { recursive: true });
  rmSync(path.dirname(folder), { recursive: true });
});

const local = (content: Uint8Array | string): string => newFile(work, content);

const readText = async (name: string): Promise<string> => String(await buffer(await store.read(name)));
const hidden = (): string[] =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => path.basename(name).startsWith('.'));
const failure = (code: string): NodeJS.ErrnoException => Object.assign(new Error(`${code}: it was made up`), { code });

test.each(['results', './results', '', 'gs://bucket/results', 'file:///results'])(
  '%j is no place that all machines have',
  async (wrong) => {
    await expect(openStore(wrong)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('absolute path'),
    });
  },
);

test('results lie in the folder under their names, for others to read', async () => {
  await store.put('shards/000001.jsonl', local('text'));
  const file = path.join(folder, 'shards', '000001.jsonl');
  expect(readFileSync(file, 'utf8')).toBe('text');
  expect(statSync(file).mode & 0o777).toBe(0o666 & ~process.umask());
  expect(statSync(file).nlink).toBe(1);
});

test('more names than are sorted at once come in order', async () => {
  mkdirSync(path.join(folder, 'shards'), { recursive: true });
  const names = Array.from({ length: 3000 }, (_, i) => `shards/${String(i).padStart(6, '0')}.jsonl`);
  for (const name of [...names].reverse()) writeFileSync(path.join(folder, name), '');
  expect(await all(store.list('shards/'))).toEqual(names);
  await store.remove('shards/0');
  // With the folder itself, which has nothing else in it.
  expect(existsSync(folder)).toBe(false);
});

describe('a writer that is killed', () => {
  async function killAt(call: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
    const writer = await Writer.start(folder, { HALT: call, ...env });
    try {
      writer.begin('shards/1', local('of the first'));
      expect(await writer.next()).toEqual({ halted: call });
    } finally {
      await writer.kill();
    }
    expect(hidden()).not.toEqual([]);
  }

  test('before its result has its name has written none', async () => {
    await killAt('link');
    expect(await store.has('shards/1')).toBe(false);
    expect(await all(store.list(''))).toEqual([]);
    expect(await store.putIfAbsent('shards/1', local('of the second'))).toBe(true);
    expect(await readText('shards/1')).toBe('of the second');
    expect(hidden()).toEqual([]);
  });

  test('after its result has its name has written it', async () => {
    await killAt('rm');
    expect(await all(store.list(''))).toEqual(['shards/1']);
    expect(await readText('shards/1')).toBe('of the first');
    expect(await store.putIfAbsent('shards/1', local('of the second'))).toBe(false);
    expect(await readText('shards/1')).toBe('of the first');
    expect(hidden()).toEqual([]);
  });

  // Where there are no hard links, it may have left a lock and an empty folder of the result's name.
  test.each(['mkdir,rename', 'rename', 'rm'])('without hard links, at %s', async (calls) => {
    const call = calls.split(',').at(-1) as string;
    await killAt(call, { NO_LINKS: 'yes' });
    const isWritten = call === 'rm';
    expect(await store.has('shards/1')).toBe(isWritten);
    expect(await all(store.list(''))).toEqual(isWritten ? ['shards/1'] : []);
    jest.spyOn(files, 'link').mockRejectedValue(failure('EPERM'));
    expect(await store.putIfAbsent('shards/1', local('of the second'))).toBe(!isWritten);
    expect(await readText('shards/1')).toBe(isWritten ? 'of the first' : 'of the second');
    expect(hidden()).toEqual([]);
  });
});

test.each(['EPERM', 'ENOTSUP', 'ENOSYS'])('without hard links (%s) a result is whole, too, and what is there stays', async (code) => {
  const link = jest.spyOn(files, 'link').mockRejectedValue(failure(code));
  expect(await store.putIfAbsent('a/b', local('first'))).toBe(true);
  expect(await store.putIfAbsent('a/b', local('second'))).toBe(false);
  expect(link).toHaveBeenCalledTimes(2);
  expect(await readText('a/b')).toBe('first');
  expect(await all(store.list(''))).toEqual(['a/b']);
  expect(hidden()).toEqual([]);
});

test('without hard links, of several processes at once, one writes', async () => {
  const writers = await Promise.all(Array.from({ length: 4 }, () => Writer.start(folder, { NO_LINKS: 'yes' })));
  try {
    for (const name of ['a', 'b/c', 'b/d']) {
      for (const [i, writer] of writers.entries()) writer.begin(name, local(`${i}`));
      const answers = await Promise.all(writers.map((writer) => writer.next()));
      const winners = answers.flatMap(({ written }, i) => (written ? [i] : []));
      expect(winners).toHaveLength(1);
      expect(await readText(name)).toBe(`${winners[0]}`);
    }
    expect(hidden()).toEqual([]);
  } finally {
    for (const writer of writers) await writer.kill();
  }
});

describe('a share whose answer was lost is asked again', () => {
  test('and says of a link that the place is taken: by this very file', async () => {
    const { link } = files;
    jest.spyOn(files, 'link').mockImplementationOnce(async (from, to) => {
      await link(from, to);
      throw failure('EEXIST');
    });
    expect(await store.putIfAbsent('a', local('x'))).toBe(true);
    expect(await store.putIfAbsent('a', local('y'))).toBe(false);
    expect(await readText('a')).toBe('x');
  });

  test('and says of a new name that there is no such file', async () => {
    const { rename } = files;
    jest.spyOn(files, 'rename').mockImplementationOnce(async (from, to) => {
      await rename(from, to);
      throw failure('ENOENT');
    });
    await store.put('a', local('x'));
    expect(await readText('a')).toBe('x');
  });
});

test('folders that another one removes meanwhile are made again', async () => {
  const { open } = files;
  let removed = 0;
  jest.spyOn(files, 'open').mockImplementation(async (file, ...rest) => {
    if (String(file).endsWith('.tmp') && removed++ < 2) rmSync(folder, { recursive: true });
    return await open(file, ...rest);
  });
  expect(await store.putIfAbsent('a/b', local('x'))).toBe(true);
  expect(removed).toBe(3);
});

describe('what cannot be done says why', () => {
  test('the place is a file, or lies in one', async () => {
    writeFileSync(folder, '');
    for (const location of [folder, path.join(folder, 'below')]) {
      const fault = { code: 'ERR_IO', message: expect.stringContaining(`${location} cannot be written: a part of the path is a file`) };
      await expect((await openStore(location)).check()).rejects.toMatchObject(fault);
    }
    await expect(store.put('a', local('x'))).rejects.toMatchObject({ code: 'ERR_IO' });
  });

  test('a folder has the name', async () => {
    await store.put('a/b', local('x'));
    const fault = { code: 'ERR_IO', message: expect.stringContaining('it is a folder') };
    await expect(store.put('a', local('x'))).rejects.toMatchObject(fault);
    await expect(store.putIfAbsent('a', local('x'))).rejects.toMatchObject(fault);
    expect(hidden()).toEqual([]);
  });

  (mounts() ? test : test.skip)('the disk is full: nothing of the result is there, and there is room again', async () => {
    const unmount = mountSmall(folder, 2);
    try {
      const large = local(randomBytes(5 << 20));
      const fault = {
        code: 'ERR_IO',
        message: expect.stringContaining('cannot be written: the disk is full'),
        hint: expect.stringContaining('Free some space'),
      };
      await expect(store.put('a', large)).rejects.toMatchObject(fault);
      await expect(store.putIfAbsent('b/c', large)).rejects.toMatchObject(fault);
      expect(await all(store.list(''))).toEqual([]);
      expect(hidden()).toEqual([]);
      await store.put('a', local('x'));
      await store.check();
    } finally {
      unmount();
    }
  });

  (mounts() ? test : test.skip)('the disk is read-only', async () => {
    const unmount = mountSmall(folder, 1);
    try {
      await store.put('a', local('x'));
      execFileSync('mount', ['-o', 'remount,ro', folder], { stdio: 'ignore' });
      const fault = { code: 'ERR_IO', message: expect.stringContaining('the disk is read-only') };
      await expect(store.check()).rejects.toMatchObject(fault);
      await expect((await openStore(path.join(folder, 'below'))).check()).rejects.toMatchObject(fault);
      await expect(store.remove('a')).rejects.toMatchObject(fault);
      expect(await readText('a')).toBe('x');
    } finally {
      unmount();
    }
  });

  test('the disk fails while a result is read', async () => {
    await store.put('a', local('x'));
    const stream = await store.read('a');
    const handle = await files.open(local(''));
    jest.spyOn(Object.getPrototypeOf(handle), 'read').mockRejectedValueOnce(failure('EIO'));
    await handle.close();
    await expect(buffer(stream)).rejects.toMatchObject({ code: 'ERR_IO', message: `${folder}/a cannot be read: the disk fails.` });
  });

  test('a share that hangs is waited for until the signal fires', async () => {
    jest.spyOn(files, 'stat').mockReturnValue(new Promise(() => {}));
    const controller = new AbortController();
    const checked = store.check(controller.signal);
    controller.abort();
    await expect(checked).rejects.toMatchObject({ name: 'AbortError' });
  });
});

test('what is no file is no result, and goes with its folder', async () => {
  await store.put('a/b', local('x'));
  symlinkSync('/nowhere', path.join(folder, 'a', 'link'));
  execFileSync('mkfifo', [path.join(folder, 'a', 'pipe')]);
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/a/`), Buffer.from([0xff, 0xfe])]), '');
  expect(await all(store.list(''))).toEqual(['a/b']);
  expect(await store.has('a/link')).toBe(false);
  await store.remove('a/');
  expect(existsSync(folder)).toBe(false);
});

test('a client of NFS that remembers that there was nothing looks again', async () => {
  await store.put('shards/1', local('x'));
  const asked: string[] = [];
  const { opendir } = files;
  jest.spyOn(files, 'opendir').mockImplementation(async (file, ...rest) => {
    asked.push(String(file));
    return await opendir(file, ...rest);
  });
  jest.spyOn(files, 'lstat').mockImplementationOnce(async () => {
    throw failure('ENOENT');
  });
  expect(await store.has('shards/1')).toBe(true);
  expect(asked).toEqual([folder, path.join(folder, 'shards')]);
});
