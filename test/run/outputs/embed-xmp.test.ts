/** Texts within pictures' files: the metadata has them, and the pixels are what they were. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { decodeImage } from '../../../lib/image';
import { Embedding } from '../../../lib/run/outputs';
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
    await embedding.write(file, rowOf(text));
    expect((await pixelsOf(file)).equals(before)).toBe(true);
    expect(readFileSync(file, 'utf8')).toContain('🎨 写真');
    expect(statSync(file).mtimeMs).toBe(1_600_000_000_000);
    const written = readFileSync(file);
    // A second time it is there already.
    await embedding.write(file, rowOf(text));
    expect(readFileSync(file).equals(written)).toBe(true);
    await embedding.write(file, rowOf('another'));
    expect(readFileSync(file, 'utf8')).not.toContain('🎨 写真');
    expect(readdirSync(work).filter((name) => !name.startsWith('a picture.'))).toEqual([]);
  },
  60_000,
);

test('a format without XMP, and a file that is gone, are errors with what to do', async () => {
  const file = path.join(work, 'a.bmp');
  const bytes = await encoded(3, 'bmp');
  writeFileSync(file, bytes);
  await expect(embedding.write(file, rowOf('x'))).rejects.toMatchObject({ code: 'ERR_IO', hint: expect.stringContaining('BMP') });
  expect(readFileSync(file).equals(bytes)).toBe(true);
  rmSync(file);
  await expect(embedding.write(file, rowOf('x'))).rejects.toMatchObject({ code: 'ERR_IO' });
});
