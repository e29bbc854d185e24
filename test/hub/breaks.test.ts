/** Fetches that break off, race or are aborted, and disks that are full. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cachedFile, fetchFiles } from '../../lib/hub';
import { longestTurn } from '../support/main-thread';
import { mountSmall, mounts } from '../support/small-disk';
import { askPython, contentsOf, expectOnly, fetchInProcess, listing, makePlace, type Place, partOf as partFile, sha256 } from './place';

const REPOSITORY = 'maker/model';
const WEIGHTS = 'weights.safetensors';
const MB = 1_000_000;

let place: Place;
let blobs: string;
beforeEach(async () => {
  place = await makePlace();
  blobs = contentsOf(place, REPOSITORY);
});
afterEach(async () => {
  jest.restoreAllMocks();
  await place.leave();
});

const partOf = (weights: Buffer): string => partFile(place, REPOSITORY, weights);
const expectWhole = (weights: Buffer): Promise<void> => expectOnly(place, REPOSITORY, WEIGHTS, weights);
const sizeOf = (file: string): number => (existsSync(file) ? statSync(file).size : 0);

// Elsewhere they are told as skipped.
const onLinux = process.platform === 'linux' ? test : test.skip;
/** Only who may mount can have a disk that is really full. */
const whereMounts = mounts() ? test : test.skip;

test('kill -9 twice in mid-fetch: the third run ends, and hardly a byte was sent twice', async () => {
  const weights = place.write(REPOSITORY, WEIGHTS, 20 * MB);
  // Slower than any machine reads: what is on its way when the process dies is lost.
  place.hub.speed = 10 * MB;
  for (const until of [5 * MB, 13 * MB]) {
    const { child, end } = fetchInProcess([REPOSITORY, WEIGHTS]);
    while (sizeOf(partOf(weights)) < until) await sleep(10);
    child.kill('SIGKILL');
    await end;
    expect(readdirSync(blobs)).not.toContain(sha256(weights));
    expect(await cachedFile(REPOSITORY, WEIGHTS)).toBeUndefined();
  }
  const { end } = fetchInProcess([REPOSITORY, WEIGHTS]);
  expect((await end).report.paths).toHaveLength(1);
  expect(place.hub.bytesSent).toBeGreaterThanOrEqual(weights.length);
  expect(place.hub.bytesSent).toBeLessThan(weights.length * 1.05);
  const ranges = place.hub.requests.filter(({ at, method }) => at === 'store' && method === 'GET');
  expect(ranges.map(({ range, ifRange }) => [range !== undefined, ifRange !== undefined])).toEqual([
    [false, false],
    [true, false],
    [true, false],
  ]);
  await expectWhole(weights);
});

test('two processes at once fetch a file once; who waits says so, and tells how far the other is', async () => {
  const weights = place.write(REPOSITORY, WEIGHTS, 10 * MB);
  place.hub.speed = 5 * MB;
  const first = fetchInProcess([REPOSITORY, WEIGHTS]);
  while (sizeOf(partOf(weights)) === 0) await sleep(10);
  const told: number[] = [];
  const waits: string[] = [];
  const second = fetchFiles(REPOSITORY, [WEIGHTS], { onWait: (file) => waits.push(file), onProgress: (_, done) => told.push(done) });
  const [{ report }, paths] = await Promise.all([first.end, second]);
  expect(report.paths).toEqual(paths);
  expect(place.hub.bytesSent).toBe(weights.length);
  expect(waits).toEqual([WEIGHTS]);
  expect(told.some((done) => done > 0 && done < weights.length)).toBe(true);
  await expectWhole(weights);
});

test('calls of one process fetch a file once too', async () => {
  const weights = place.write(REPOSITORY, WEIGHTS, MB);
  await Promise.all(Array.from({ length: 5 }, () => fetchFiles(REPOSITORY, [WEIGHTS])));
  expect(place.hub.bytesSent).toBe(weights.length);
  await expectWhole(weights);
});

test('what a killed holder had begun is taken over by one who waits', async () => {
  const weights = place.write(REPOSITORY, WEIGHTS, 10 * MB);
  place.hub.speed = 5 * MB;
  const { child, end } = fetchInProcess([REPOSITORY, WEIGHTS]);
  while (sizeOf(partOf(weights)) < 2 * MB) await sleep(10);
  let isWaiting = (): void => {};
  const waits = new Promise<void>((resolve) => {
    isWaiting = resolve;
  });
  const second = fetchFiles(REPOSITORY, [WEIGHTS], { onWait: isWaiting });
  await waits;
  child.kill('SIGKILL');
  await Promise.all([end, second]);
  expect(place.hub.bytesSent).toBeLessThan(weights.length * 1.1);
  await expectWhole(weights);
});

test('a connection that is cut again and again is continued', async () => {
  const weights = place.write(REPOSITORY, WEIGHTS, 3 * MB);
  place.hub.faults.push({ at: 'store', times: 4, cutAfter: 700_000 });
  await fetchFiles(REPOSITORY, [WEIGHTS]);
  expect(place.hub.bytesSent).toBe(weights.length);
  await expectWhole(weights);
});

test('a small file that is cut is continued from the hub itself', async () => {
  const weights = place.write(REPOSITORY, WEIGHTS, 90_000);
  place.hub.faults.push({ at: 'hub', method: 'GET', cutAfter: 50_000 });
  await fetchFiles(REPOSITORY, [WEIGHTS]);
  expect(place.hub.bytesSent).toBe(weights.length);
  expect(place.hub.requests.at(-1)).toMatchObject({ range: 'bytes=50000-' });
});

test('after a kill, another server of the store, which names the content otherwise, sends the rest alone', async () => {
  const weights = place.write(REPOSITORY, WEIGHTS, 10 * MB);
  place.hub.speed = 10 * MB;
  const { child, end } = fetchInProcess([REPOSITORY, WEIGHTS]);
  while (sizeOf(partOf(weights)) < 5 * MB) await sleep(10);
  child.kill('SIGKILL');
  await end;
  place.hub.faults.push({ at: 'store', times: -1, etag: '"of-another-server"' });
  await fetchFiles(REPOSITORY, [WEIGHTS]);
  expect(place.hub.bytesSent).toBeLessThan(weights.length * 1.05);
  await expectWhole(weights);
});

describe('a content whose hash the hub does not say', () => {
  test.each<[string, string, number]>([
    ['is continued while its version is the same', '"v1"', 90_000],
    ['comes from its start where its version is another', '"v2"', 140_000],
  ])('%s', async (_, later, sent) => {
    // A connection that is cut may lose what was sent.
    process.env.HF_HUB_DOWNLOAD_TIMEOUT = '1';
    const bytes = place.write(REPOSITORY, WEIGHTS, 90_000);
    place.hub.faults.push(
      { method: 'HEAD', etag: '"v1"' },
      { method: 'GET', etag: '"v1"', stallAfter: 50_000 },
      { method: 'GET', etag: later },
    );
    const [file] = await fetchFiles(REPOSITORY, [WEIGHTS]);
    expect(readFileSync(file as string).equals(bytes)).toBe(true);
    expect(place.hub.requests.at(-1)).toMatchObject({ range: 'bytes=50000-', ifRange: '"v1"' });
    expect(place.hub.bytesSent).toBe(sent);
  });
});

test('a server that knows no ranges sends it all again', async () => {
  const weights = place.write(REPOSITORY, WEIGHTS, 3 * MB);
  place.hub.faults.push({ at: 'store', cutAfter: 700_000 }, { at: 'store', noRanges: true });
  await fetchFiles(REPOSITORY, [WEIGHTS]);
  await expectWhole(weights);
});

test('a server that falls silent in a content is asked for the rest', async () => {
  process.env.HF_HUB_DOWNLOAD_TIMEOUT = '1';
  const weights = place.write(REPOSITORY, WEIGHTS, 3 * MB);
  place.hub.faults.push({ at: 'store', stallAfter: 700_000 });
  await fetchFiles(REPOSITORY, [WEIGHTS]);
  expect(place.hub.bytesSent).toBe(weights.length);
  await expectWhole(weights);
});

describe('an abort', () => {
  test.each<[string, object]>([
    ['while the hub is asked', { at: 'hub', silent: true }],
    ['while a content comes', { at: 'store', stallAfter: MB }],
    ['between two attempts', { at: 'store', times: -1, status: 503, retryAfter: '30' }],
  ])('%s ends the call at once, and what came stays', async (_, fault) => {
    const weights = place.write(REPOSITORY, WEIGHTS, 3 * MB);
    place.hub.faults.push(fault);
    const controller = new AbortController();
    const failure = fetchFiles(REPOSITORY, [WEIGHTS], { signal: controller.signal }).catch((error) => error);
    await sleep(700);
    const began = performance.now();
    controller.abort('enough');
    expect(await failure).toMatchObject({ name: 'AbortError', code: 'ERR_ABORTED', cause: 'enough' });
    expect(performance.now() - began).toBeLessThan(200);
    expect(listing(path.join(place.cache)).filter((file) => file.endsWith('.lock'))).toEqual([]);
    const came = sizeOf(partOf(weights));
    place.hub.faults.length = 0;
    await fetchFiles(REPOSITORY, [WEIGHTS]);
    expect(place.hub.bytesSent).toBe(weights.length);
    if ('stallAfter' in fault) expect(came).toBe(MB);
    await expectWhole(weights);
  });

  test('of one who waits leaves the other alone', async () => {
    const weights = place.write(REPOSITORY, WEIGHTS, 5 * MB);
    place.hub.speed = 4 * MB;
    const first = fetchFiles(REPOSITORY, [WEIGHTS]);
    while (sizeOf(partOf(weights)) === 0) await sleep(10);
    const controller = new AbortController();
    const second = fetchFiles(REPOSITORY, [WEIGHTS], { signal: controller.signal, onWait: () => controller.abort() });
    await expect(second).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    await first;
    await expectWhole(weights);
  });

  test('that came before asks nothing', async () => {
    place.write(REPOSITORY, WEIGHTS, 10);
    await expect(fetchFiles(REPOSITORY, [WEIGHTS], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(place.hub.requests).toEqual([]);
  });
});

describe('the disk', () => {
  test('that has too little room is an error before anything is fetched', async () => {
    place.write(REPOSITORY, WEIGHTS, 3 * MB);
    place.write(REPOSITORY, 'more.bin', 4 * MB);
    jest.spyOn(promises, 'statfs').mockResolvedValue({ bavail: 1000, bsize: 4096, blocks: 9999 } as never);
    await expect(fetchFiles(REPOSITORY, [WEIGHTS, 'more.bin'])).rejects.toMatchObject({
      code: 'ERR_IO',
      message: expect.stringMatching(/maker\/model needs 7 MB of disk, .*hub has 5 MB free/),
      hint: expect.stringContaining('HF_HUB_CACHE'),
    });
    expect(place.hub.bytesSent).toBe(0);
    jest.restoreAllMocks();
    await fetchFiles(REPOSITORY, [WEIGHTS, 'more.bin']);
  });

  test('that does not say how much room it has is tried', async () => {
    const weights = place.write(REPOSITORY, WEIGHTS, 3 * MB);
    jest.spyOn(promises, 'statfs').mockResolvedValue({ bavail: 0, bsize: 4096, blocks: 0 } as never);
    await fetchFiles(REPOSITORY, [WEIGHTS]);
    await expectWhole(weights);
  });

  onLinux('that fills up in mid-fetch keeps what came, and goes on when there is room', async () => {
    const weights = place.write(REPOSITORY, WEIGHTS, 6 * MB);
    // A limit on the size of files fails a write as a full disk does, after a part of it.
    const script = path.join(__dirname, '..', 'support', 'hub-fetch-process.cjs');
    const limited = `ulimit -f 2500; trap '' XFSZ; exec "$0" "$@"`;
    const env = { ...process.env };
    const stdout = await new Promise<string>((resolve) =>
      execFile('bash', ['-c', limited, process.execPath, script, REPOSITORY, WEIGHTS], { env }, (_, printed) => resolve(printed)),
    );
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'ERR_IO', message: expect.stringContaining('Writing failed'), hint: expect.stringContaining('HF_HUB_CACHE') },
    });
    expect(sizeOf(partOf(weights))).toBe(2500 * 1024);
    expect(await cachedFile(REPOSITORY, WEIGHTS)).toBeUndefined();
    const before = place.hub.requests.length;
    await fetchFiles(REPOSITORY, [WEIGHTS]);
    expect(place.hub.requests.slice(before).find(({ range }) => range)).toMatchObject({ range: `bytes=${2500 * 1024}-` });
    await expectWhole(weights);
  });

  whereMounts('of a few megabytes that is really full', async () => {
    const small = path.join(place.folder, 'small');
    const unmount = mountSmall(small, 4);
    try {
      process.env.HF_HUB_CACHE = small;
      const weights = place.write(REPOSITORY, WEIGHTS, 3 * MB);
      writeFileSync(path.join(small, 'other'), Buffer.alloc(2 * MB));
      jest.spyOn(promises, 'statfs').mockRejectedValue(new Error('it does not say'));
      await expect(fetchFiles(REPOSITORY, [WEIGHTS])).rejects.toMatchObject({
        code: 'ERR_IO',
        message: expect.stringContaining('disk is full'),
      });
      execFileSync('rm', [path.join(small, 'other')]);
      const [file] = await fetchFiles(REPOSITORY, [WEIGHTS]);
      expect(readFileSync(file as string).equals(weights)).toBe(true);
      expect(place.hub.bytesSent).toBeLessThan(weights.length * 1.2);
    } finally {
      unmount();
    }
  });

  test('that knows no links gets the files themselves, and Python finds them', async () => {
    const weights = place.write(REPOSITORY, WEIGHTS, 3 * MB);
    place.write(REPOSITORY, 'same.safetensors', weights);
    jest.spyOn(promises, 'symlink').mockRejectedValue(Object.assign(new Error('EPERM'), { code: 'EPERM', syscall: 'symlink' }));
    const paths = await fetchFiles(REPOSITORY, [WEIGHTS, 'same.safetensors']);
    for (const file of paths) expect(readFileSync(file).equals(weights)).toBe(true);
    expect(place.hub.bytesSent).toBe(weights.length);
    expect(readdirSync(blobs)).toEqual([]);
    expect(await askPython([REPOSITORY, WEIGHTS, '--offline'])).toMatchObject({ paths: [paths[0]] });
  });

  test('a cache folder that cannot be made is an error with what to do', async () => {
    place.write(REPOSITORY, WEIGHTS, 10);
    writeFileSync(path.join(place.folder, 'plain'), '');
    process.env.HF_HUB_CACHE = path.join(place.folder, 'plain', 'hub');
    await expect(fetchFiles(REPOSITORY, [WEIGHTS])).rejects.toMatchObject({
      code: 'ERR_IO',
      hint: expect.stringContaining('HF_HUB_CACHE'),
    });
  });
});

test('others get their turn while a large file is fetched and a large part hashed', async () => {
  const weights = place.write(REPOSITORY, WEIGHTS, 60 * MB);
  place.hub.faults.push({ at: 'store', cutAfter: 50 * MB });
  // The stand-in hashes its files in this thread too.
  place.hub.commitOf(REPOSITORY);
  const controller = new AbortController();
  const stop = (_: string, done: number): void => void (done >= 50 * MB && controller.abort());
  const longest = await longestTurn(async () => {
    await fetchFiles(REPOSITORY, [WEIGHTS], { signal: controller.signal, onProgress: stop }).catch(() => {});
    await fetchFiles(REPOSITORY, [WEIGHTS]);
  });
  expect(longest).toBeLessThan(100);
  expect(place.hub.bytesSent).toBeLessThan(weights.length * 1.05);
  await expectWhole(weights);
});
