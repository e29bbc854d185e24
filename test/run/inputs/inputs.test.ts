/** What the inputs of a run stand for, beside folders and tables. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { countPictures, picturesOf, type RunInput } from '../../../lib/run/inputs';
import { failure, namesOf, never, readAll } from './reading';

let work: string;

beforeEach(() => {
  work = mkdtempSync(path.join(tmpdir(), 'inputs-'));
});

afterEach(() => rmSync(work, { recursive: true, force: true }));

test('a file that is named is taken, whatever its suffix; a missing one fails when it is opened', async () => {
  writeFileSync(path.join(work, 'no-suffix'), 'x');
  const given = ['no-suffix', 'missing.xyz'].map((name) => path.join(work, name));
  expect(await readAll(picturesOf(given))).toEqual([
    [given[0], 'x'],
    [given[1], `ERR_IMAGE_NOT_FOUND: There is no file ${given[1]}\nCheck the path.`],
  ]);
  expect(await countPictures(given)).toBe(2);
});

test('inputs in their order, some of them twice', async () => {
  mkdirSync(path.join(work, 'f'));
  for (const name of ['a.png', 'f/1.png', 'f/2.png']) writeFileSync(path.join(work, name), name);
  const [a, f] = [path.join(work, 'a.png'), path.join(work, 'f')];
  const found = await readAll(picturesOf([f, a, { path: Buffer.from(f) }, pathToFileURL(f), pathToFileURL(a).href]));
  expect(found.map(([, content]) => content)).toEqual(['f/1.png', 'f/2.png', 'a.png', 'f/1.png', 'f/2.png', 'f/1.png', 'f/2.png', 'a.png']);
});

describe('URLs', () => {
  test('are downloaded when they are opened, and not before', async () => {
    const asked: string[] = [];
    const server = createServer(({ url = '' }, response) => {
      asked.push(url);
      if (url.startsWith('/a')) response.end('over the network');
      else response.writeHead(404).end();
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const urls = ['a.png', 'missing.png', 'a.png?key=secret'].map((name) => `http://127.0.0.1:${port}/${name}`);
    try {
      expect(await countPictures(urls)).toBe(3);
      expect(await namesOf(picturesOf(urls))).toEqual([urls[0], urls[1], `http://127.0.0.1:${port}/a.png?…`]);
      expect(asked).toEqual([]);
      const contents = (await readAll(picturesOf(urls))).map(([, content]) => content);
      expect(contents).toEqual(['over the network', expect.stringMatching(/^ERR_NETWORK: .*404/), 'over the network']);
    } finally {
      server.close();
    }
  });

  test('of data are opened; their names are without the data', async () => {
    const url = `data:image/png;base64,${Buffer.from('in it').toString('base64')}`;
    expect(await readAll(picturesOf([url, new URL(url)]))).toEqual([
      ['data:image/png;base64,…', 'in it'],
      ['data:image/png;base64,…', 'in it'],
    ]);
    expect(await failure(picturesOf(['data:']))).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    expect(await failure(picturesOf(['file://elsewhere/x.png']))).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    expect(await failure(picturesOf(['s3://bucket/x.png']))).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });

  test('have no stamp, for only reading can tell', async () => {
    for await (const { stamp } of picturesOf(['https://example.org/a.png', 'data:,x', '-'])) expect(stamp).toBeUndefined();
  });
});

test('the text of an image in Base64 is not repeated, a file of a long name is', async () => {
  const base64 = Buffer.alloc(40_000, 'an image').toString('base64');
  const long = path.join(work, 'folder'.repeat(30), 'name'.repeat(50));
  mkdirSync(path.dirname(long));
  writeFileSync(long, '');
  expect(await namesOf(picturesOf([base64, long]))).toEqual([`${base64.slice(0, 40)}…`, long]);
  const error = (await failure(picturesOf([base64]))) as Error;
  expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  expect(error.message.length).toBeLessThan(500);
});

describe('pipes', () => {
  let pipe: string;

  beforeEach(() => {
    pipe = path.join(work, 'pipe');
    execFileSync('mkfifo', [pipe]);
  });

  test.each([0, 1, 70_000, 5_000_000])('%i bytes through a pipe are read whole, and are there for who asks again', async (length) => {
    const sent = Buffer.alloc(length, 'abcdefg');
    writeFileSync(path.join(work, 'sent'), sent);
    expect(await countPictures([pipe])).toBe(1);
    const { value } = await picturesOf([pipe]).next();
    const received = value?.open(never);
    // A process of its own: a writer without a reader would hold a thread of ours for ever.
    const writer = spawn('sh', ['-c', 'cat "$0" > "$1"', path.join(work, 'sent'), pipe]);
    try {
      expect(sent.equals((await received) as Buffer)).toBe(true);
      expect(await value?.open(never)).toBe(await received);
    } finally {
      writer.kill();
    }
  });

  test('the wait for a writer that never comes ends with the signal', async () => {
    const controller = new AbortController();
    const { value } = await picturesOf([pipe]).next();
    const opened = value?.open(controller.signal);
    setTimeout(() => controller.abort(), 50);
    await expect(opened).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  });
});

test('standard input is one picture, and a list where it is asked for as one', async () => {
  const program = (call: string): string => `
    require(${JSON.stringify(path.join(__dirname, '..', '..', 'support', 'uncompiled.cjs'))});
    const { picturesOf } = require(${JSON.stringify(path.join(__dirname, '..', '..', '..', 'lib', 'run', 'inputs', 'index.ts'))});
    (async () => {
      for await (const picture of ${call}) {
        const said = await picture.open(new AbortController().signal).catch((error) => error.code);
        console.log(picture.name, String(said));
      }
    })();`;
  const run = (call: string): string =>
    execFileSync(process.execPath, ['-e', program(call)], { input: 'x.png\ny.png\n', encoding: 'utf8' });
  expect(run("picturesOf(['-'])")).toBe('- x.png\ny.png\n\n');
  expect(run("picturesOf([], { from: ['-'] })")).toBe('x.png ERR_IMAGE_NOT_FOUND\ny.png ERR_IMAGE_NOT_FOUND\n');
});

test.each([[7], [null], [''], [{}], [{ path: 'text' }], [Buffer.from('x')]])('%j is no input', async (input) => {
  await expect(namesOf(picturesOf([input as RunInput]))).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  await expect(countPictures([input as RunInput])).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
});

test('a signal that has fired, before or on the way, ends the iteration', async () => {
  for (const name of ['1.png', '2.png', '3.png']) writeFileSync(path.join(work, name), '');
  await expect(namesOf(picturesOf([work], { signal: AbortSignal.abort() }))).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  await expect(countPictures([work], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  const controller = new AbortController();
  const pictures = picturesOf([work], { signal: controller.signal });
  await pictures.next();
  controller.abort();
  await expect(pictures.next()).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  expect(await pictures.next()).toEqual({ done: true, value: undefined });
});
