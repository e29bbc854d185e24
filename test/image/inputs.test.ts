import { createReadStream, existsSync, truncateSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { closeDecodeThreads, decodeImage } from '../../lib/image';
import { outcome } from '../fuzz/support/fuzz';
import { Random } from '../fuzz/support/random';
import { removeFolder, temporaryFolder } from '../tokenizer/reference';
import { bmpFile } from './assemble';

const folder = temporaryFolder();
const [width, height] = [23, 17];
const bmp = bmpFile(width, height, new Random(1).bytes(72 * height));
const file = path.join(folder, 'a picture, 50% #1.bmp');
let server: http.Server;
let address: string;
let expected: string;

beforeAll(async () => {
  writeFileSync(file, bmp);
  server = http.createServer((request, response) => {
    if (request.url === '/image') response.end(bmp);
    else if (request.url === '/text') response.end('hello');
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expected = await pixels(bmp);
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await closeDecodeThreads();
  removeFolder(folder);
});

async function pixels(input: unknown, options = {}): Promise<string> {
  const { data, release, ...size } = await decodeImage(input as Buffer, options);
  release();
  return `${size.width}x${size.height} ${Buffer.from(data).toString('base64')}`;
}

/** The parts of the file, cut anywhere. */
function parts(random: Random): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0; at < bmp.length; at += cut.at(-1)?.length ?? 0) cut.push(bmp.subarray(at, at + random.between(1, 400)));
  return cut;
}

function escaped(bytes: Buffer, random: Random): string {
  return Array.from(bytes, (byte) =>
    /[A-Za-z0-9]/.test(String.fromCharCode(byte)) && random.chance(0.5)
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).padStart(2, '0')}`,
  ).join('');
}

async function* generate(chunks: Buffer[]): AsyncGenerator<Buffer> {
  // One and the same memory for each part, as hand-written readers have it.
  const memory = Buffer.alloc(Math.max(...chunks.map((chunk) => chunk.length)));
  for (const chunk of chunks) {
    chunk.copy(memory);
    yield memory.subarray(0, chunk.length);
  }
}

const kinds: Record<string, (random: Random) => unknown> = {
  'a path': () => file,
  'a file: URL': () => pathToFileURL(file),
  'a file: URL as a string': () => pathToFileURL(file).href,
  'an http: URL': () => new URL(`${address}/image`),
  'an http: URL as a string': () => `${address}/image`,
  'a data: URL': () => `data:image/bmp;base64,${bmp.toString('base64')}`,
  'a data: URL object': () => new URL(`data:image/bmp;base64,${bmp.toString('base64')}`),
  'a data: URL with line breaks': () => `data:image/bmp;base64,${bmp.toString('base64').replace(/.{76}/g, '$&\r\n')}`,
  'a data: URL with escapes': () => `data:image/bmp;base64,${encodeURIComponent(bmp.toString('base64'))}`,
  'a data: URL of base64url': () => `data:;base64,${bmp.toString('base64url')}`,
  'a data: URL of percent signs': (random) => `data:image/bmp,${escaped(bmp, random)}`,
  'a Buffer': () => bmp,
  'a view into a larger buffer': (random) => Buffer.concat([random.bytes(5), bmp, random.bytes(9)]).subarray(5, 5 + bmp.length),
  'a Uint8ClampedArray': () => new Uint8ClampedArray(bmp),
  'a DataView': () => new DataView(new Uint8Array(bmp).buffer),
  'an ArrayBuffer': () => new Uint8Array(bmp).buffer,
  'a SharedArrayBuffer': () => {
    const shared = new SharedArrayBuffer(bmp.length);
    new Uint8Array(shared).set(bmp);
    return shared;
  },
  'a Blob': () => new Blob([bmp]),
  'a File': () => new File([bmp], 'a.bmp'),
  'a Response': () => new Response(bmp),
  'an answer of fetch': () => fetch(`${address}/image`),
  'a web stream': (random) => ReadableStream.from(parts(random)),
  'a byte stream': (random) => {
    const left = parts(random);
    return new ReadableStream({
      type: 'bytes',
      pull(controller) {
        const part = left.shift();
        if (part) controller.enqueue(new Uint8Array(part));
        else controller.close();
      },
    });
  },
  'a Node.js stream': (random) => Readable.from(parts(random)),
  'a file stream': () => createReadStream(file, { highWaterMark: 100 }),
  'a generator that fills one buffer': (random) => generate(parts(random)),
};

test.each(Object.entries(kinds))('%s is an image', async (_kind, make) => {
  for (let number = 0; number < 5; number += 1) expect(await pixels(await make(new Random(3, number)))).toBe(expected);
});

test("a caller's memory may be overwritten or transferred right after the call", async () => {
  for (const make of [
    kinds['a Buffer'],
    kinds['a Uint8ClampedArray'],
    kinds['a DataView'],
    kinds['an ArrayBuffer'],
    kinds['a SharedArrayBuffer'],
  ]) {
    for (const spoil of ['overwrite', 'transfer'] as const) {
      const input = make?.(new Random(4)) as ArrayBuffer | Uint8Array;
      const own = ArrayBuffer.isView(input) ? new Uint8Array(new Uint8Array(input.buffer, input.byteOffset, input.byteLength)) : input;
      const decoding = pixels(own);
      const memory = ArrayBuffer.isView(own) ? own.buffer : own;
      if (spoil === 'overwrite' || memory instanceof SharedArrayBuffer) new Uint8Array(memory).fill(0);
      else structuredClone(memory, { transfer: [memory] });
      expect(await decoding).toBe(expected);
    }
  }
});

test('memory that shrinks while its call waits was copied', async () => {
  const memory = new (ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer & { resize(length: number): void })(
    bmp.length,
    { maxByteLength: bmp.length },
  );
  new Uint8Array(memory).set(bmp);
  const decoding = pixels(new Uint8Array(memory));
  memory.resize(10);
  expect(await decoding).toBe(expected);
});

describe('what gives no image is a typed error', () => {
  const SECRET = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo';
  const base64 = (start: string) => `${start}${SECRET.repeat(40)}`;

  test.each<[string, () => unknown, string, RegExp]>([
    ['Base64 text', () => bmp.toString('base64'), 'ERR_INVALID_ARGUMENT', /Buffer\.from\(text, 'base64'\)/],
    ['Base64 of a JPEG', () => base64('/9j/4AAQ'), 'ERR_INVALID_ARGUMENT', /data:image/],
    ['Base64 of anything, in lines', () => base64('').replace(/.{60}/g, '$&\n'), 'ERR_INVALID_ARGUMENT', /Base64/],
    ['Base64 in quotes', () => ` "${base64('iVBORw0KGgo')}"`, 'ERR_INVALID_ARGUMENT', /Base64/],
    ['short Base64 of a PNG', () => 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ', 'ERR_INVALID_ARGUMENT', /Base64/],
    ['a path of 100 MB', () => '/no.such'.repeat(1.25e7), 'ERR_IMAGE_NOT_FOUND', /100000000 characters/],
    ['a URL of 100 MB', () => `https://example.com/${'é'.repeat(1e8)}`, 'ERR_IMAGE_NOT_FOUND', /100000020 characters/],
    ['a file: URL of 100 MB', () => `file:///${'%41'.repeat(3e7)}`, 'ERR_IMAGE_NOT_FOUND', /90000008 characters/],
    ['a long text', () => `${SECRET} and `.repeat(100), 'ERR_IMAGE_NOT_FOUND', /4000 characters/],
    ['a data: URL of a page', () => `data:text/html,<html>${SECRET}</html>`, 'ERR_IMAGE_FORMAT', /an HTML page/],
    ['a data: URL of 300 MB', () => `data:image/png;base64,${'A'.repeat(4e8)}`, 'ERR_IMAGE_SIZE', /256 MiB/],
    ['a data: URL without a comma', () => `data:image/png;base64${SECRET}`, 'ERR_INVALID_ARGUMENT', /comma/],
    ['an empty data: URL', () => 'data:,', 'ERR_IMAGE_EMPTY', /data: URL is empty/],
    ['a URL that is not there', () => `${address}/none`, 'ERR_NETWORK', /404/],
    ['a URL of a text', () => new URL(`${address}/text`), 'ERR_IMAGE_FORMAT', /text/],
    ['a file: URL that is not there', () => 'file:///no/such/file.png', 'ERR_IMAGE_NOT_FOUND', /file\.png/],
    ['a file: URL of another machine', () => 'file://elsewhere/a.png', 'ERR_INVALID_ARGUMENT', /not the URL of a file here/],
    ['a URL of another kind', () => new URL('ftp://example.com/a.png'), 'ERR_INVALID_ARGUMENT', /ftp: URLs cannot be read/],
    ['a URL of a store', () => 's3://bucket/a.png', 'ERR_INVALID_ARGUMENT', /s3: URLs/],
    ['an empty Blob', () => new Blob([]), 'ERR_IMAGE_EMPTY', /blob is empty/],
    ['a File of text', () => new File([SECRET], 'notes.png'), 'ERR_IMAGE_FORMAT', /notes\.png is not an image/],
    ['an error as a Response', () => new Response('gone', { status: 410 }), 'ERR_NETWORK', /410/],
    ['a Response without a body', () => new Response(null), 'ERR_IMAGE_EMPTY', /empty/],
    ['an empty stream', () => Readable.from([]), 'ERR_IMAGE_EMPTY', /stream is empty/],
    ['a stream of text', () => Readable.from([SECRET]), 'ERR_INVALID_ARGUMENT', /does not give bytes/],
    ['a stream of objects', () => ReadableStream.from([{}, null, 7]), 'ERR_INVALID_ARGUMENT', /does not give bytes/],
    ['a stream that fails', () => new Readable({ read() { this.destroy(new Error('no disk')); } }), 'ERR_IO', /no disk/], // biome-ignore format: a table
    ['a stream that cannot be iterated', () => ({ [Symbol.asyncIterator]() { throw new Error('no'); } }), 'ERR_IO', /no/], // biome-ignore format: a table
    ['a stream without an iterator', () => ({ [Symbol.asyncIterator]: () => null }), 'ERR_IO', /Cannot read/],
    ['a stream of text that cannot be ended', () => ({ [Symbol.asyncIterator]: () => ({ next: async () => ({ value: 'text' }), return() { throw new Error('no'); } }) }), 'ERR_INVALID_ARGUMENT', /does not give bytes/], // biome-ignore format: a table
    ['a stream of text that cannot be destroyed', () => ({ [Symbol.asyncIterator]: () => ({ next: async () => ({ value: 'text' }) }), destroy() { throw new Error('no'); } }), 'ERR_INVALID_ARGUMENT', /does not give bytes/], // biome-ignore format: a table
    ['a generator that throws', () => (async function* () { yield bmp.subarray(0, 9); throw undefined; })(), 'ERR_IO', /Cannot read/], // biome-ignore format: a table
    ['a revoked proxy', () => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy; }, 'ERR_INVALID_ARGUMENT', /Invalid image/], // biome-ignore format: a table
    ['a getter that throws', () => ({ get href() { throw new Error('no'); } }), 'ERR_INVALID_ARGUMENT', /Invalid image/], // biome-ignore format: a table
    ['numbers that are no bytes', () => new Float32Array(40), 'ERR_INVALID_ARGUMENT', /Float32Array/],
  ])('%s', async (_kind, make, code, message) => {
    const found = await outcome(() => decodeImage(make() as never));
    expect(found).toEqual({ code, message: expect.stringMatching(message) });
    expect(found.message).not.toContain(SECRET);
  });

  test('a File without slice() gives its stream', async () => {
    const { size, type } = new Blob([bmp]);
    const file = { name: 'a.bmp', size, type, arrayBuffer: async () => bmp, stream: () => new Blob([bmp]).stream() };
    expect(await pixels(file as never)).toBe(expected);
  });

  test('what was read already', async () => {
    const response = new Response(bmp);
    await response.arrayBuffer();
    const locked = ReadableStream.from([bmp]);
    locked.getReader();
    const ended = Readable.from([bmp]);
    for await (const _ of ended);
    for (const input of [response, locked, ended]) {
      expect(await outcome(() => decodeImage(input as never))).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message: /read already/ });
    }
  });
});

describe('a file', () => {
  function sparse(name: string, start: Buffer, length: number): string {
    const full = path.join(folder, name);
    writeFileSync(full, start);
    truncateSync(full, length);
    return full;
  }

  test('that is no image is not read whole', async () => {
    const before = process.memoryUsage().rss;
    for (const [start, looks] of [
      ['\0\0\0\x18ftypisom', /MP4/],
      ['PK\x03\x04', /ZIP/],
      ['', /zeros/],
    ] as const) {
      // biome-ignore format: a table
      const film = sparse('film.mp4', Buffer.from(start, 'latin1'), 3e9);
      const found = await outcome(() => decodeImage(film));
      expect(found).toEqual({ code: 'ERR_IMAGE_FORMAT', message: expect.stringMatching(looks) });
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(50 << 20);
  });

  test('that is longer than memory is refused', async () => {
    expect(await outcome(() => decodeImage(sparse('long.bmp', bmp, 3e9)))).toMatchObject({ code: 'ERR_IMAGE_SIZE' });
  });

  (existsSync('/proc/self/status') ? test : test.skip)('of the system that seems empty is not waited for', async () => {
    expect(await outcome(() => decodeImage('/proc/self/status'))).toMatchObject({ code: 'ERR_IMAGE_EMPTY' });
  });
});

describe('a stream', () => {
  const endless: Record<string, () => unknown> = {
    'of large parts': () => (async function* () { for (const part = Buffer.alloc(8 << 20); ; ) yield part; })(),
    'of empty parts': () => (async function* () { for (const part = Buffer.alloc(0); ; ) yield part; })(),
    'of the web': () => new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(8 << 20)) }),
    'of Node.js': () => new Readable({ read() { this.push(Buffer.alloc(8 << 20)); } }),
  }; // biome-ignore format: a table

  test.each(Object.entries(endless))('%s that never ends is refused, and leaves the event loop its turns', async (_kind, make) => {
    let turns = 0;
    const timer = setInterval(() => { turns += 1; }, 1); // biome-ignore format: short
    const found = await outcome(() => decodeImage(make() as never));
    clearInterval(timer);
    expect(found).toEqual({ code: 'ERR_IMAGE_SIZE', message: expect.stringMatching(/longer than 256 MiB, or never ends/) });
    expect(turns).toBeGreaterThan(2);
  });

  test.each<[string, () => { input: unknown; isEnded: () => boolean }]>([
    ['of Node.js', () => { const input = new PassThrough(); return { input, isEnded: () => input.destroyed }; }],
    ['of the web', () => { let ended = false; return { input: new ReadableStream({ cancel: () => { ended = true; } }), isEnded: () => ended }; }],
  ])('%s that does not move is given up at an abort, and holds nobody up', async (_kind, make) => {
    const controller = new AbortController();
    const stuck = Array.from({ length: 20 }, make);
    const waiting = stuck.map(({ input }) => outcome(() => decodeImage(input as never, { signal: controller.signal })));
    expect(await pixels(bmp)).toBe(expected);
    controller.abort();
    for (const found of await Promise.all(waiting)) expect(found).toMatchObject({ code: 'ERR_ABORTED' });
    await new Promise(setImmediate);
    expect(stuck.every(({ isEnded }) => isEnded())).toBe(true);
  }); // biome-ignore format: a table
});
