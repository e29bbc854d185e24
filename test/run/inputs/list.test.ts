/** Lists of pictures in all their shapes. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { countPictures, type ListInput, picturesOf } from '../../../lib/run/inputs';
import { namesOf, numbers, readAll } from './reading';

let work: string;
let list: string;

beforeEach(() => {
  work = mkdtempSync(path.join(tmpdir(), 'lists-'));
  list = path.join(work, 'list');
});

afterEach(() => rmSync(work, { recursive: true, force: true }));

async function read(...from: ListInput[]): Promise<[string, string][]> {
  return readAll(picturesOf([], { from }));
}

/** The same text as others write it. */
const SHAPES: [string, (lines: readonly string[]) => Buffer][] = [
  ['LF', (lines) => Buffer.from(lines.map((line) => `${line}\n`).join(''))],
  ['no line end at its end', (lines) => Buffer.from(lines.join('\n'))],
  ['CRLF', (lines) => Buffer.from(lines.map((line) => `${line}\r\n`).join(''))],
  ['a byte order mark', (lines) => Buffer.from(`\ufeff${lines.join('\n')}`)],
  ['UTF-16', (lines) => Buffer.from(`\ufeff${lines.join('\r\n')}\r\n`, 'utf16le')],
  ['UTF-16 the other way', (lines) => Buffer.from(`\ufeff${lines.join('\n')}`, 'utf16le').swap16()],
  ['blank lines', (lines) => Buffer.from(`\n \n\r\n${lines.join('\n\n\t\n')}\n\n`)],
];

describe.each(SHAPES)('with %s', (_, write) => {
  test.each([1, 2, 3])('of random lines (%i), in pieces of any size', async (seed) => {
    const pick = numbers(seed);
    const names = Array.from({ length: 60 }, (_, i) => `${work}/${['a', 'é', 'x y', '😀', ' b ', '"q"'][pick(6)]}${i}.png`);
    const lines = names.map((name) => (pick(3) === 0 ? JSON.stringify({ text: 'a caption', image: name }) : name));
    const bytes = write(lines);
    writeFileSync(list, bytes);
    expect(await namesOf(picturesOf([], { from: [list] }))).toEqual(names);
    expect(await countPictures([], { from: [list] })).toBe(60);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = pick(2) ? 1 : pick(200);
      pieces.push(bytes.subarray(at, at + length));
      at += length;
    }
    const from = [Readable.from(pieces, { objectMode: false })];
    expect(await countPictures([], { from })).toBeNull();
    expect(await namesOf(picturesOf([], { from }))).toEqual(names);
  });
});

test('paths, URLs and JSON are opened, behind the other inputs', async () => {
  const file = path.join(work, 'a.png');
  writeFileSync(file, 'a');
  const odd = Buffer.concat([Buffer.from(`${work}/`), Buffer.from([0xff]), Buffer.from('.png')]);
  writeFileSync(odd, 'odd');
  const data = `data:image/png;base64,${Buffer.from('data').toString('base64')}`;
  const lines = [file, data, `file://${file}`, `  {"image": "${file}", "label": [1]}`, path.relative(process.cwd(), file)];
  writeFileSync(list, Buffer.concat([Buffer.from(`${lines.join('\n')}\n`), odd]));
  const found = await readAll(picturesOf([file], { from: [list, { path: Buffer.from(list) }] }));
  const once = ['a', 'data', 'a', 'a', 'a', 'odd'];
  expect(found.map(([, content]) => content)).toEqual(['a', ...once, ...once]);
  expect(found[2]?.[0]).toBe('data:image/png;base64,…');
  expect(found[6]?.[0]).toBe(`${work}/\\xff.png`);
});

test('a line that stands for nothing says which it is, and the others go on', async () => {
  const file = path.join(work, 'a.png');
  writeFileSync(file, 'a');
  const bad = ['{"image": 7}', '{"img": "a.png"}', '{"image": "a.png"', '{"image": ""}', 'a\0b'];
  writeFileSync(list, bad.flatMap((line) => [file, line]).join('\n'));
  expect(await countPictures([], { from: [list] })).toBe(10);
  const found = await read(list);
  expect(found.filter((_, i) => i % 2 === 0)).toEqual(bad.map(() => [file, 'a']));
  expect(found.filter((_, i) => i % 2 === 1)).toEqual(
    bad.map((_, i) => {
      const number = 2 * i + 2;
      return [`${list}:${number}`, expect.stringMatching(`^ERR_INVALID_ARGUMENT: ${list}, line ${number}: its? `)];
    }),
  );
  const missing = path.join(work, 'missing.png');
  writeFileSync(list, `${missing}\n${work}`);
  expect(await read(list)).toEqual([
    [missing, expect.stringMatching(/^ERR_IMAGE_NOT_FOUND: There is no file/)],
    [work, expect.stringMatching(/^ERR_IMAGE_NOT_FOUND: .* is a folder/)],
  ]);
});

test('a line without an end is left out, without being held', async () => {
  const pieces = function* (): Generator<Buffer> {
    yield Buffer.from('a.png\n');
    for (let i = 0; i < 100; i++) yield Buffer.alloc(1 << 20, 'x');
    yield Buffer.from('\nb.png');
  };
  const found = await readAll(picturesOf([], { from: [Readable.from(pieces())] }));
  expect(found.map(([name]) => name)).toEqual(['a.png', 'the stream:2', 'b.png']);
  expect(found[1]?.[1]).toMatch(/line 2: it is longer than 64 MiB/);
});

test('a list that is not there, a folder, a stream that fails: one picture says so', async () => {
  const broken = Readable.from(
    (function* () {
      yield Buffer.from('x.png\ny');
      throw new Error('it broke');
    })(),
  );
  const found = await read(list, work, broken);
  expect(found.map(([name, said]) => [name, said])).toEqual([
    [list, `ERR_IO: There is no list ${list}.\nCheck the path.`],
    [work, expect.stringMatching(/^ERR_IO: .* cannot be read as a list: EISDIR/)],
    ['x.png', expect.stringMatching(/^ERR_IMAGE_NOT_FOUND/)],
    ['the stream', 'ERR_IO: the stream cannot be read as a list: it broke.'],
  ]);
});

test('a list through a pipe is read line by line, and its wait ends with the signal', async () => {
  execFileSync('mkfifo', [list]);
  const controller = new AbortController();
  const pictures = picturesOf([], { from: [list], signal: controller.signal });
  expect(await countPictures([], { from: [list] })).toBeNull();
  const writer = spawn('sh', ['-c', 'exec 3> "$0"; printf "a.png\\nb.p" >&3; read line; printf "ng\\n" >&3; read line', list], {
    stdio: 'pipe',
  });
  try {
    expect((await pictures.next()).value?.name).toBe('a.png');
    const second = pictures.next();
    writer.stdin.write('go on\n');
    expect((await second).value?.name).toBe('b.png');
    const third = pictures.next();
    setTimeout(() => controller.abort(new Error('enough')), 30);
    await expect(third).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: new Error('enough') });
  } finally {
    writer.kill();
  }
});

test('a long list takes no memory, and leaves the event loop its turns', async () => {
  const lines = function* (): Generator<Buffer> {
    for (let i = 0; i < 200; i++) yield Buffer.from(Array.from({ length: 1000 }, (_, k) => `folder/of/pictures/${i}-${k}.png\n`).join(''));
  };
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  let count = 0;
  let most = 0;
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for await (const _ of picturesOf([], { from: [Readable.from(lines())] })) {
    count += 1;
    if (count % 50_000 !== 0) continue;
    globalThis.gc?.();
    most = Math.max(most, process.memoryUsage().heapUsed - before);
  }
  clearInterval(timer);
  expect(count).toBe(200_000);
  expect(turns).toBeGreaterThan(20);
  expect(most).toBeLessThan(8 << 20);
});
