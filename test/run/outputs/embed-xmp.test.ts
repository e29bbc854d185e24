/** Texts within pictures' files: the metadata has them, and the pixels are what they were. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { decodeImage } from '../../../lib/image';
import { filePicture } from '../../../lib/run/inputs/file-picture';
import { Embedding } from '../../../lib/run/outputs';
import { TEMPORARY_BASE, temporaryName } from '../../../lib/run/outputs/temporary';
import type { Row } from '../../../lib/run/row';
import { encoded } from '../support/picture-set';

let work: string;
let embedding: Embedding;
beforeAll(async () => {
  work = mkdtempSync(path.join(os.tmpdir(), 'xmp-'));
  embedding = await Embedding.open();
});
afterAll(async () => {
  await embedding.close();
  rmSync(work, { recursive: true, force: true });
});

const rowOf = (text: string): Row => ({ name: 'x', texts: [{ mode: 'fast', text, original: text, similarity: 0 }] });

const forget = async (): Promise<void> => {};

async function pixelsOf(file: string): Promise<Buffer> {
  using image = await decodeImage(file);
  return Buffer.from(image.data);
}

test.each(['jpg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)(
  '%s: the text is there, the pixels and the time of change are the same',
  async (format) => {
    const file = path.join(work, `a picture.${format}`);
    writeFileSync(file, await encoded(3, format));
    utimesSync(file, 1_600_000_000, 1_600_000_000);
    const before = await pixelsOf(file);
    const text = 'a "cat", 🎨 写真,\n& <more>';
    await embedding.write(Buffer.from(file), rowOf(text), forget);
    expect((await pixelsOf(file)).equals(before)).toBe(true);
    expect(readFileSync(file, 'utf8')).toContain('🎨 写真');
    expect(statSync(file).mtimeMs).toBe(1_600_000_000_000);
    const written = readFileSync(file);
    // A second time it is there already.
    await embedding.write(Buffer.from(file), rowOf(text), forget);
    expect(readFileSync(file).equals(written)).toBe(true);
    await embedding.write(Buffer.from(file), rowOf('another'), forget);
    expect(readFileSync(file, 'utf8')).not.toContain('🎨 写真');
    expect(readdirSync(work).filter((name) => !name.startsWith('a picture.'))).toEqual([]);
  },
  60_000,
);

test('a format without XMP, and a file that is gone, are errors with what to do', async () => {
  const file = path.join(work, 'a.bmp');
  const bytes = await encoded(3, 'bmp');
  writeFileSync(file, bytes);
  await expect(embedding.write(Buffer.from(file), rowOf('x'), forget)).rejects.toMatchObject({
    code: 'ERR_IO',
    hint: expect.stringContaining('BMP'),
  });
  expect(readFileSync(file).equals(bytes)).toBe(true);
  rmSync(file);
  await expect(embedding.write(Buffer.from(file), rowOf('x'), forget)).rejects.toMatchObject({ code: 'ERR_IO' });
});

test('what the file is to be is told before it is changed, and is what it is then', async () => {
  const folder = path.join(work, 'told');
  mkdirSync(folder);
  const file = path.join(folder, 'a.png');
  const bytes = await encoded(4, 'png');
  writeFileSync(file, bytes);
  chmodSync(file, 0o640);
  // A run that is killed leaves its own name, which a later one knows.
  writeFileSync(path.join(folder, temporaryName(TEMPORARY_BASE).replace(`-${process.pid}.`, `-${2 ** 23}.`)), '');
  const replaced = await filePicture(Buffer.from(file)).stamp?.();
  let told: { sha256: string; stamp: string } | undefined;
  await embedding.write(Buffer.from(file), rowOf('new'), async (made) => {
    told = made;
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });
  expect(told).toEqual({
    sha256: createHash('sha256').update(readFileSync(file)).digest('hex'),
    stamp: await filePicture(Buffer.from(file)).stamp?.(),
    replaced,
  });
  expect(statSync(file).mode & 0o777).toBe(0o640);
  expect(readdirSync(folder)).toEqual(['a.png']);
});

test('what cannot be remembered, and a file that somebody writes to meanwhile, stay as they are', async () => {
  const folder = path.join(work, 'kept');
  mkdirSync(folder);
  const file = path.join(folder, 'a.png');
  writeFileSync(file, await encoded(4, 'png'));
  const before = readFileSync(file);
  const failure = new Error('full');
  await expect(embedding.write(Buffer.from(file), rowOf('x'), () => Promise.reject(failure))).rejects.toMatchObject({ cause: failure });
  expect(readFileSync(file).equals(before)).toBe(true);
  const other = await encoded(5, 'png');
  const written = embedding.write(Buffer.from(file), rowOf('x'), async () => writeFileSync(file, other));
  await expect(written).rejects.toMatchObject({ code: 'ERR_IO', message: expect.stringContaining('changes') });
  expect(readFileSync(file).equals(other)).toBe(true);
  expect(readdirSync(folder)).toEqual(['a.png']);
});

test('of a link the file that it leads to has the text, and the link stays one', async () => {
  mkdirSync(path.join(work, 'elsewhere'));
  const file = path.join(work, 'elsewhere', 'a.jpg');
  writeFileSync(file, await encoded(6, 'jpg'));
  const link = path.join(work, 'link.jpg');
  symlinkSync('elsewhere/a.jpg', link);
  const links = [link, path.join(work, 'another.jpg')];
  symlinkSync(file, links[1] as string);
  let written = 0;
  const count = async (): Promise<void> => {
    written += 1;
  };
  await Promise.all([...links, file].map((each) => embedding.write(Buffer.from(each), rowOf('of a link'), count)));
  expect(written).toBe(1);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(file, 'latin1')).toContain('of a link');
  expect(readdirSync(path.join(work, 'elsewhere'))).toEqual(['a.jpg']);
});

test.each([
  ['not UTF-8', Buffer.from('caf\xe9', 'latin1')],
  ['with a line break', Buffer.from('two\nlines')],
  ['with what ExifTool replaces', Buffer.from('100%d %f%% #1 -x')],
])('names of a folder and a file that are %s', async (_, name) => {
  const folder = Buffer.concat([Buffer.from(`${work}/`), name]);
  const file = Buffer.concat([folder, Buffer.from('/'), name, Buffer.from('.png')]);
  mkdirSync(folder);
  writeFileSync(file, await encoded(7, 'png'));
  await embedding.write(file, rowOf('the text'), forget);
  expect(readFileSync(file, 'latin1')).toContain('the text');
  const written = statSync(file).ino;
  await embedding.write(file, rowOf('the text'), forget);
  expect(statSync(file).ino).toBe(written);
  expect(readdirSync(folder)).toHaveLength(1);
});
