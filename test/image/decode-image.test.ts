import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { closeDecodeThreads, decodeImage } from '../../lib/image';
import { runPython } from '../support/python';
import { removeFolder, temporaryFolder } from '../tokenizer/reference';
import { type Comparison, compare, type Entry } from './pillow';

const folder = temporaryFolder();
let index: Record<string, Entry>;

beforeAll(async () => {
  await runPython([path.join(__dirname, 'reference_zoo.py'), folder]);
  index = JSON.parse(readFileSync(path.join(folder, 'index.json'), 'utf8'));
}, 300_000);

afterAll(async () => {
  await closeDecodeThreads();
  removeFolder(folder);
});

async function compareAll(): Promise<{ far: Comparison[]; problems: string[]; failing: number; equal: number }> {
  const all = { far: [] as Comparison[], problems: [] as string[], failing: 0, equal: 0 };
  for (const [name, entry] of Object.entries(index)) {
    const result = await compare(folder, name, entry);
    if (result === 'both fail') all.failing++;
    else if (typeof result === 'string') all.problems.push(result);
    else if (result.largest > 0) all.far.push(result);
    else all.equal++;
  }
  return all;
}

describe('with sharp', () => {
  let result: Awaited<ReturnType<typeof compareAll>>;

  beforeAll(async () => {
    result = await compareAll();
  }, 300_000);

  test("every image has Pillow's own bytes, and what Pillow refuses is refused", () => {
    const { far, problems, failing, equal } = result;
    expect(problems).toEqual([]);
    expect(far.filter(({ name }) => !name.endsWith('.avif'))).toEqual([]);
    expect(equal).toBeGreaterThan(100);
    expect(failing).toBeGreaterThan(25);
  });

  test('AVIF is within rounding of Pillow, but for subsampled colour, which libheif does not smooth', () => {
    const avifs = result.far.filter(({ name }) => name.endsWith('.avif'));
    expect(avifs.filter(({ name, largest }) => largest > 1 && name !== 'subsampled.avif')).toEqual([]);
    expect(avifs.find(({ name }) => name === 'subsampled.avif')?.mean ?? 0).toBeLessThan(2);
  });
});

test("orientation 'exif' turns as Pillow's exif_transpose does", async () => {
  const turned = Object.entries(index).flatMap(([name, entry]) =>
    'upright' in entry && entry.upright ? [{ name, entry: entry.upright }] : [],
  );
  expect(turned.map(({ name }) => name.replace(/.*\./, ''))).toEqual(expect.arrayContaining(['avif', 'jpg', 'png', 'webp']));
  for (const { name, entry } of turned) {
    expect(await compare(folder, name, entry, { orientation: 'exif' })).toMatchObject({ largest: /avif/.test(name) ? 1 : 0 });
  }
});

// jimp's TIFF decoder has its own idea of these, and reads the last, which Pillow does not.
const NOT_WITHOUT_SHARP: string[] = [
  'gray16.tif',
  'float.tif',
  'jpeg.tif',
  'cmyk.tif',
  'cmyk16-little.tif',
  'cmyk16-big.tif',
  'photo-multipage_rgb.tif',
  'big-raw.tif',
  'big-lzw.tif',
  'big-turned.tif',
];
// A damaged stream means other pixels to each decoder.
const LENIENT = /-flipped|lzw-cut97/;

describe('without sharp', () => {
  let result: Awaited<ReturnType<typeof compareAll>>;

  beforeAll(async () => {
    process.env.TORCH_INTERROGATOR_DECODER = 'jimp';
    result = await compareAll();
  }, 300_000);

  afterAll(() => {
    delete process.env.TORCH_INTERROGATOR_DECODER;
  });

  test('every image decodes, and what Pillow refuses is refused', () => {
    const unexpected = result.problems.filter(
      (problem) =>
        !LENIENT.test(problem) &&
        !NOT_WITHOUT_SHARP.some((name) => problem.startsWith(name)) &&
        !/\.avif: only we fail.*sharp/.test(problem),
    );
    expect(unexpected).toEqual([]);
  });

  test("lossless formats have Pillow's own bytes", () => {
    const lossless = result.far.filter(({ name }) => !/\.jpe?g$/.test(name) && !LENIENT.test(name) && !NOT_WITHOUT_SHARP.includes(name));
    expect(lossless).toEqual([]);
  });

  test("JPEG is close to Pillow's", () => {
    const jpegs = result.far.filter(({ name }) => /\.jpg$/.test(name) && !LENIENT.test(name));
    expect(jpegs.filter(({ mean }) => mean > 3)).toEqual([]);
    console.info(jpegs.map(({ name, largest, mean }) => `${name}: largest ${largest}, mean ${mean.toFixed(3)}`).join('\n'));
  });

  test('the event loop goes on while a large image decodes', async () => {
    const start = performance.now();
    let longest = 0;
    let last = start;
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    await decodeImage(path.join(folder, 'photo-retina.jpg'));
    clearInterval(timer);
    const took = performance.now() - start;
    expect(longest).toBeLessThan(Math.max(100, took / 3));
  });

  test('an abort is heard while it decodes, and the next image decodes as ever', async () => {
    const controller = new AbortController();
    const decoding = decodeImage(path.join(folder, 'photo-retina.jpg'), { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('changed my mind')), 5);
    await expect(decoding).rejects.toMatchObject({ name: 'AbortError', code: 'ERR_ABORTED', cause: { message: 'changed my mind' } });
    await expect(decodeImage(path.join(folder, 'rgb.png'))).resolves.toMatchObject({ width: 61, height: 47 });
  });

  test('closing the decoders rejects what runs, and a later image decodes again', async () => {
    const decoding = decodeImage(readFileSync(path.join(folder, 'photo-retina.jpg')));
    const settled = expect(decoding).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    await new Promise(setImmediate);
    await closeDecodeThreads();
    await settled;
    await expect(decodeImage(path.join(folder, 'rgb.png'))).resolves.toMatchObject({ width: 61, height: 47 });
  });
});

test('the content counts, not the name', async () => {
  const disguised = path.join(folder, 'disguised.jpg');
  copyFileSync(path.join(folder, 'rgb.png'), disguised);
  expect(readdirSync(folder)).toContain('disguised.jpg');
  await expect(decodeImage(disguised)).resolves.toMatchObject({ width: 61, height: 47 });
});

test('a buffer decodes as its file does, and is left as it was', async () => {
  const bytes = readFileSync(path.join(folder, 'plain.gif'));
  const before = Buffer.from(bytes);
  const fromFile = await decodeImage(path.join(folder, 'plain.gif'));
  const fromBytes = await decodeImage(bytes);
  expect(Buffer.compare(fromBytes.data, fromFile.data)).toBe(0);
  expect(Buffer.compare(bytes, before)).toBe(0);
});
