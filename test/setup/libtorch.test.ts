/** Finding libtorch, and fetching files from a server that misbehaves. */
import { execFileSync, fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { download } from '../../lib/net/download';
import { findLibtorch, type Libtorch } from '../../lib/setup/libtorch';
import { inspectLibtorch, libraryName } from '../../lib/setup/libtorch/inspect';

const CONTENT = randomBytes(3_000_000);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');

let folder: string;
let server: Server;
let url: string;
let requests: IncomingMessage[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'libtorch-test-'));
  requests = [];
  server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.whl`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

/** Serves CONTENT with ranges, cutting the connection after `limit` bytes. */
function serve(limit = Number.POSITIVE_INFINITY, content = CONTENT) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (from >= content.length) {
      response.writeHead(416).end();
      return;
    }
    const part = content.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': part.length });
    if (part.length <= limit) response.end(part);
    else response.write(part.subarray(0, limit), () => setTimeout(() => response.destroy(), 50));
  };
}

describe('download', () => {
  const file = (): string => path.join(folder, 'file.whl');
  const options = { sha256: SHA256, pause: 1 };

  test('continues by range after each break and ends with the right bytes', async () => {
    answer = serve(1_000_000);
    const seen: number[] = [];
    await download(url, file(), { ...options, onProgress: (done) => seen.push(done) });
    expect(readFileSync(file()).equals(CONTENT)).toBe(true);
    expect(existsSync(`${file()}.part`)).toBe(false);
    expect(requests.length).toBeGreaterThan(2);
    expect(requests.slice(1).every(({ headers }) => /^bytes=[1-9]/.test(headers.range ?? ''))).toBe(true);
    expect(seen.at(-1)).toBe(CONTENT.length);
  });

  test('continues what a killed process left', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': CONTENT.length });
      response.write(CONTENT.subarray(0, 1_500_000));
    };
    const child = fork(path.join(__dirname, '..', 'support', 'download-process.cjs'), [url, file(), SHA256], { stdio: 'ignore' });
    while (!existsSync(`${file()}.part`) || statSync(`${file()}.part`).size < 1_000_000) await sleep(20);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    const left = statSync(`${file()}.part`).size;

    answer = serve();
    await download(url, file(), options);
    expect(requests.at(-1)?.headers.range).toBe(`bytes=${left}-`);
    expect(readFileSync(file()).equals(CONTENT)).toBe(true);
  });

  test('starts over where the server knows no ranges', async () => {
    writeFileSync(`${file()}.part`, CONTENT.subarray(0, 1000));
    answer = (_, response) => response.writeHead(200, { 'content-length': CONTENT.length }).end(CONTENT);
    await download(url, file(), options);
    expect(readFileSync(file()).equals(CONTENT)).toBe(true);
  });

  test('fetches again where what an earlier run left was damaged', async () => {
    writeFileSync(`${file()}.part`, randomBytes(1000));
    answer = serve();
    await download(url, file(), options);
    expect(readFileSync(file()).equals(CONTENT)).toBe(true);
  });

  test('starts over where the server has another version by now, which the hash tells', async () => {
    const old = randomBytes(3_000_000);
    answer = (request, response) => {
      if (requests.length === 1) return serve(1_000_000, old)(request, response);
      serve()(request, response);
    };
    await download(url, file(), options);
    expect(requests.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=1000000-', undefined]);
    expect(requests.map(({ headers }) => headers['if-range'])).toEqual([undefined, undefined, undefined]);
    expect(readFileSync(file()).equals(CONTENT)).toBe(true);
    expect(readdirSync(folder)).toEqual([path.basename(file())]);
  });

  test('takes a part that is already whole', async () => {
    writeFileSync(`${file()}.part`, CONTENT);
    answer = serve();
    await download(url, file(), options);
    expect(readFileSync(file()).equals(CONTENT)).toBe(true);
  });

  test('refuses content with another hash and keeps nothing of it', async () => {
    answer = serve(undefined, randomBytes(1000));
    await expect(download(url, file(), options)).rejects.toMatchObject({
      code: 'ERR_NETWORK',
      message: expect.stringContaining('SHA-256'),
    });
    expect(existsSync(file()) || existsSync(`${file()}.part`)).toBe(false);
  });

  test('a missing file is final at once', async () => {
    answer = (_, response) => response.writeHead(404).end();
    await expect(download(url, file(), options)).rejects.toMatchObject({ code: 'ERR_NETWORK', message: expect.stringContaining('404') });
    expect(requests).toHaveLength(1);
  });

  test('a busy server is asked again', async () => {
    answer = (request, response) => (requests.length < 3 ? response.writeHead(503).end() : serve()(request, response));
    await download(url, file(), options);
    expect(requests).toHaveLength(3);
  });

  test('an unreachable server is a typed error with a remedy', async () => {
    const refused = 'http://127.0.0.1:1/file.whl';
    await expect(download(refused, file(), { ...options, attempts: 2 })).rejects.toMatchObject({
      code: 'ERR_NETWORK',
      hint: expect.stringContaining('continues'),
    });
  });

  test('a full disk is a typed error', async () => {
    if (!existsSync('/dev/full')) return;
    answer = serve();
    execFileSync('ln', ['-s', '/dev/full', `${file()}.part`]);
    await expect(download(url, file(), options)).rejects.toMatchObject({ code: 'ERR_IO', message: expect.stringContaining('full') });
  });

  test('credentials in the address go into a header and stay out of messages', async () => {
    answer = (_, response) => response.writeHead(403).end();
    const failure = await download(url.replace('127', 'name:secret@127'), file(), options).catch((error: Error) => error);
    expect(requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('name:secret').toString('base64')}`);
    expect((failure as Error).message).not.toContain('secret');
  });
});

describe('finding libtorch', () => {
  const saved = { ...process.env };
  afterEach(() => {
    process.env = { ...saved };
  });

  /** A folder that looks like a libtorch. */
  function imitation(version: string, { abi = 'new', cuda = false } = {}): string {
    const root = path.join(folder, 'torch');
    mkdirSync(path.join(root, 'lib'), { recursive: true });
    writeFileSync(path.join(root, 'build-version'), `${version}\n`);
    const symbol =
      abi === 'old' ? '_ZN3c105ErrorC1ENS_14SourceLocationESs' : '_ZN3c105ErrorC1ENS_14SourceLocationENSt7__cxx1112basic_string';
    writeFileSync(path.join(root, 'lib', libraryName('c10')), symbol);
    writeFileSync(path.join(root, 'lib', libraryName('torch_cpu')), '');
    // It links the CUDA libraries and little else.
    if (cuda)
      copyFileSync(
        path.join((findLibtorch() as Libtorch).path, 'lib', libraryName('torch_global_deps')),
        path.join(root, 'lib', libraryName('torch_cuda')),
      );
    return root;
  }

  test('the real one has the version that the addon is built for', () => {
    expect(findLibtorch()).toMatchObject({ version: '2.11.0', path: expect.any(String) });
  });

  test('LIBTORCH may name the folder above torch too', () => {
    const root = imitation('2.11.0+cpu');
    process.env.LIBTORCH = folder;
    expect(findLibtorch()).toMatchObject({ path: root, version: '2.11.0', build: '2.11.0+cpu', source: 'LIBTORCH' });
  });

  test('LIBTORCH that is none is an error, not a reason to look further', () => {
    process.env.LIBTORCH = folder;
    expect(() => findLibtorch()).toThrow(expect.objectContaining({ code: 'ERR_LIBTORCH_NOT_FOUND' }));
  });

  test('another version is named', () => {
    process.env.LIBTORCH = imitation('2.10.1+cu128');
    expect(() => findLibtorch()).toThrow(
      expect.objectContaining({ code: 'ERR_LIBTORCH_VERSION', message: expect.stringContaining('2.10.1+cu128') }),
    );
  });

  const linux = process.platform === 'linux' ? test : test.skip;
  linux('a build with the C++ ABI from before C++11 is refused', () => {
    process.env.LIBTORCH = imitation('2.11.0', { abi: 'old' });
    expect(() => findLibtorch()).toThrow(expect.objectContaining({ code: 'ERR_LIBTORCH_ABI' }));
  });

  test('a CPU build is refused where CUDA is asked for', () => {
    const root = imitation('2.11.0+cpu');
    expect(() => inspectLibtorch(root, { named: 'this', cuda: true })).toThrow(expect.objectContaining({ code: 'ERR_LIBTORCH_CUDA' }));
  });

  linux('a CUDA library that is missing is named', () => {
    const root = imitation('2.11.0+cu130', { cuda: true });
    // Away from its neighbours, what it links by run path is gone.
    expect(() => inspectLibtorch(root, { named: 'this', cuda: true })).toThrow(
      expect.objectContaining({ code: 'ERR_LIBTORCH_CUDA', message: expect.stringContaining('libcudart.so.13') }),
    );
  });

  test('without LIBTORCH and an earlier fetch there is none', () => {
    delete process.env.LIBTORCH;
    delete process.env.LIBTORCH_USE_PYTORCH;
    process.env.TORCH_INTERROGATOR_CACHE = folder;
    expect(findLibtorch()).toBeNull();
  });

  test('a Python without torch is named where LIBTORCH_USE_PYTORCH asks for it', () => {
    delete process.env.LIBTORCH;
    process.env.LIBTORCH_USE_PYTORCH = '1';
    process.env.PYTHON = path.join(folder, 'no-python');
    expect(() => findLibtorch()).toThrow(
      expect.objectContaining({ code: 'ERR_LIBTORCH_NOT_FOUND', message: expect.stringContaining('no-python') }),
    );
  });
});
