/** What the command line makes of its arguments. Folders are made up at random: depth, names, links and what lies beside images. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expandInputs } from '../../lib/cli/inputs';
import { decodeImage, type EncodedImage } from '../../lib/image';
import { IMAGE_SUFFIXES } from '../../lib/index';

let work: string;

beforeEach(() => {
  work = mkdtempSync(path.join(tmpdir(), 'inputs-'));
});

afterEach(() => rmSync(work, { recursive: true, force: true }));

async function namesOf(...args: string[]): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of expandInputs(args)) names.push(path.relative(work, name));
  return names;
}

/** A stand-in for Math.random() that gives the same numbers each time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

describe('folders', () => {
  const suffixes = [...IMAGE_SUFFIXES];

  test.each([1, 2, 3, 4, 5])('of tree %i: every image once, however links lead about', async (seed) => {
    const pick = numbers(seed);
    const folders = [work];
    const images: string[] = [];
    for (let i = 0; i < 12; i++) {
      const parent = folders[pick(folders.length)] as string;
      const folder = path.join(parent, `${'pqrs'[pick(4)]}${i}`);
      mkdirSync(folder);
      folders.push(folder);
      for (let k = pick(3); k >= 0; k--) {
        const suffix = suffixes[pick(suffixes.length)] as string;
        const image = path.join(folder, `${k}${pick(2) ? suffix : suffix.toUpperCase()}`);
        writeFileSync(image, '');
        images.push(image);
        writeFileSync(path.join(folder, `._${k}.png`), 'not an image');
        writeFileSync(path.join(folder, `${k}.txt`), 'a caption');
      }
    }
    // Links upward, sideways, in a circle, to themselves and to nothing.
    for (let i = 0; i < 8; i++)
      symlinkSync(folders[pick(folders.length)] as string, path.join(folders[pick(folders.length)] as string, `z${i}`));
    symlinkSync('itself', path.join(work, 'itself'));
    symlinkSync('nowhere', path.join(work, 'nowhere'));

    const inputs: string[] = [];
    for await (const { name, open } of expandInputs([work])) {
      const opened = await open();
      expect(opened).toBe(name);
      inputs.push(name);
    }
    const real = inputs.map((name) => execFileSync('realpath', [name], { encoding: 'utf8' }).trim());
    expect([...real].sort()).toEqual([...images].sort());
  });

  test('a folder that is reached by a link alone is entered', async () => {
    const elsewhere = path.join(work, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(path.join(elsewhere, 'x.png'), '');
    const given = path.join(work, 'given');
    mkdirSync(given);
    symlinkSync(elsewhere, path.join(given, 'link'));
    expect(await namesOf(given)).toEqual(['given/link/x.png']);
    symlinkSync(given, path.join(work, 'to-given'));
    expect(await namesOf(path.join(work, 'to-given'))).toEqual(['to-given/link/x.png']);
  });

  test.each([1, 2, 3])('names that are no UTF-8 (%i) are found, named without loss and opened', async (seed) => {
    const pick = numbers(seed * 77);
    const folder = Buffer.concat([Buffer.from(`${work}/`), Buffer.from([0xff])]);
    mkdirSync(folder);
    const expected: [string, string][] = [];
    for (let i = 0; i < 6; i++) {
      const byte = 0x80 + pick(128);
      writeFileSync(Buffer.concat([folder, Buffer.from(`/${i}`), Buffer.from([0xff, byte]), Buffer.from('.png')]), `content ${i}`);
      expected.push([`${work}/\\xff/${i}\\xff\\x${byte.toString(16)}.png`, `content ${i}`]);
    }
    const found: [string, string][] = [];
    for await (const { name, open } of expandInputs([work])) found.push([name, (await bytesOf(await open())).toString()]);
    expect(found).toEqual(expected);
  });

  test('each without images is one input that fails, beside others that have some', async () => {
    for (const name of ['full', 'empty', 'notes']) mkdirSync(path.join(work, name));
    writeFileSync(path.join(work, 'full', 'x.png'), '');
    writeFileSync(path.join(work, 'notes', 'x.txt'), '');
    const failures: string[] = [];
    for await (const { name, open } of expandInputs(['full', 'empty', 'notes'].map((name) => path.join(work, name)))) {
      await open().catch(({ code }) => failures.push(`${path.basename(name)} ${code}`));
    }
    expect(failures).toEqual(['empty ERR_IMAGE_NOT_FOUND', 'notes ERR_IMAGE_NOT_FOUND']);
  });
});

describe('pipes', () => {
  let pipe: string;

  beforeEach(() => {
    pipe = path.join(work, 'pipe');
    execFileSync('mkfifo', [pipe]);
  });

  test.each([0, 1, 70_000, 5_000_000])('%i bytes through a pipe are read whole', async (length) => {
    const sent = Buffer.alloc(length, 'abcdefg');
    writeFileSync(path.join(work, 'sent'), sent);
    const [input] = await first(expandInputs([pipe]));
    const received = bytesOf(await input?.open());
    // A process of its own: a writer without a reader would hold a thread of ours for ever.
    const writer = spawn('sh', ['-c', 'cat "$0" > "$1"', path.join(work, 'sent'), pipe]);
    try {
      expect(sent.equals(await received)).toBe(true);
    } finally {
      writer.kill();
    }
  });

  test('the wait for a writer that never comes ends with the signal', async () => {
    const controller = new AbortController();
    const [input] = await first(expandInputs([pipe]));
    const decoded = decodeImage((await input?.open()) as EncodedImage, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(decoded).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  });
});

async function bytesOf(stream: unknown): Promise<Buffer> {
  return buffer(stream as AsyncIterable<Buffer>);
}

async function first<T>(all: AsyncIterable<T>): Promise<T[]> {
  for await (const each of all) return [each];
  return [];
}

test('URLs are images; the name of a data: URL is without its data', async () => {
  const urls = ['https://example.org/a.png', 'HTTP://example.org', 'file:///a.png', 'data:image/png;base64,iVBORw0KGgo=', 'data:'];
  const inputs = [];
  for await (const { name, open } of expandInputs(urls)) inputs.push([name, await open()]);
  const names = [...urls.slice(0, 3), 'data:image/png;base64,…', '…'];
  expect(inputs).toEqual(urls.map((url, i) => [names[i], url]));
});

test('the text of an image in Base64 is not repeated, a file of a long name is', async () => {
  const base64 = Buffer.alloc(40_000, 'an image').toString('base64');
  const long = path.join(work, 'folder'.repeat(30), 'name'.repeat(50));
  mkdirSync(path.dirname(long));
  writeFileSync(long, '');
  const names: string[] = [];
  for await (const { name } of expandInputs([base64, long])) names.push(name);
  expect(names).toEqual([`${base64.slice(0, 40)}…`, long]);
});

test('what a glob of a training set gives takes time by its number, not by the square of it', async () => {
  const timeOf = async (count: number): Promise<number> => {
    const names = Array.from({ length: count }, (_, i) => `no-folder/picture-${i}.jpg`);
    const before = process.cpuUsage();
    let found = 0;
    for await (const _ of expandInputs(names)) found += 1;
    expect(found).toBe(count);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  await timeOf(1000);
  const few = Math.min(await timeOf(5000), await timeOf(5000));
  // Eight times as many; by the square, beside the looking for files, it was 20 and more.
  expect(await timeOf(40_000)).toBeLessThan(14 * few);
});

test('a file that is named is tried, whatever its suffix', async () => {
  writeFileSync(path.join(work, 'no-suffix'), '');
  expect(await namesOf(path.join(work, 'no-suffix'), path.join(work, 'missing.xyz'))).toEqual(['no-suffix', 'missing.xyz']);
});
