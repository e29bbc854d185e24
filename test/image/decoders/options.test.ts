import { readFileSync } from 'node:fs';
import path from 'node:path';
import { closeDecodeThreads, type DecodeOptions, decodeImage } from '../../../lib/image';
import { runPython } from '../../support/python';
import { removeFolder, temporaryFolder } from '../../tokenizer/reference';

interface Entry {
  name: string;
  option: string;
  width: number;
  height: number;
  error?: string;
}

const OPTIONS: Record<string, DecodeOptions> = {
  exif: { orientation: 'exif' },
  ignore: {},
  background: { background: '#369' },
  truncated: { truncated: 'best-effort' },
  error: {},
};

const folder = temporaryFolder();
let index: Entry[];

beforeAll(async () => {
  await runPython(['-W', 'ignore', path.join(__dirname, 'reference_options.py'), folder]);
  index = JSON.parse(readFileSync(path.join(folder, 'index.json'), 'utf8'));
}, 300_000);

afterAll(async () => {
  await closeDecodeThreads();
  removeFolder(folder);
});

/** What an image of one option came to, beside what Pillow makes of it. */
interface Outcome {
  name: string;
  pillowFails: boolean;
  code?: string;
  size?: string;
  largest?: number;
  /** Samples that differ. */
  count?: number;
}

async function outcomes(option: string, names = /./): Promise<Outcome[]> {
  const found: Outcome[] = [];
  for (const { name, width, height, error } of index.filter((entry) => entry.option === option && names.test(entry.name))) {
    const outcome: Outcome = { name, pillowFails: error !== undefined };
    found.push(outcome);
    try {
      const image = await decodeImage(path.join(folder, name), OPTIONS[option]);
      image.release();
      outcome.size = `${image.width} × ${image.height}`;
      if (outcome.size !== `${width} × ${height}`) continue;
      const theirs = readFileSync(path.join(folder, `${name}.${option}.rgb`));
      const differences = image.data.map((sample, at) => Math.abs(sample - (theirs[at] as number)));
      outcome.largest = differences.reduce((most, each) => Math.max(most, each), 0);
      outcome.count = differences.filter((each) => each > 0).length;
    } catch (failure) {
      outcome.code = (failure as { code: string }).code;
    }
  }
  expect(found.length).toBeGreaterThan(0);
  return found;
}

const far = (found: Outcome[], most: number): Outcome[] => found.filter(({ largest }) => largest === undefined || largest > most);

describe.each(['sharp', 'jimp'])('with %s', (decoder) => {
  beforeAll(() => {
    if (decoder === 'jimp') process.env.TORCH_INTERROGATOR_DECODER = 'jimp';
  });
  afterAll(() => {
    delete process.env.TORCH_INTERROGATOR_DECODER;
  });

  const jpegError = decoder === 'jimp' ? 20 : 0;

  test.each(['exif', 'ignore'])('each of the eight orientations is as Pillow has it: %s', async (option) => {
    expect(far(await outcomes(option, /(png|webp|tif)$/), 0)).toEqual([]);
    expect(far(await outcomes(option, /jpg$/), jpegError)).toEqual([]);
    // libheif does not smooth subsampled colour.
    if (decoder === 'sharp') expect(far(await outcomes(option, /avif$/), 20)).toEqual([]);
  });

  test('alpha is composed over the background, to within one level', async () => {
    expect(far(await outcomes('background', /^alpha-(?!opaque).*(png|webp|tif|gif)$/), 1)).toEqual([]);
    if (decoder === 'sharp') expect(far(await outcomes('background', /avif$/), 20)).toEqual([]);
    expect(far(await outcomes('background', /opaque.*(gif|bmp)$/), 0)).toEqual([]);
    expect(far(await outcomes('background', /opaque.jpg$/), jpegError)).toEqual([]);
  });

  test('a PNG that has fewer rows than its header says is truncated, in all kinds and sizes', async () => {
    expect(far(await outcomes('error', /^whole/), 0)).toEqual([]);
    const short = await outcomes('error', /^short/);
    expect(short.filter(({ code }) => code !== 'ERR_IMAGE_TRUNCATED')).toEqual([]);
  });

  test('at best effort, what is missing of a PNG is as Pillow has it', async () => {
    expect(far(await outcomes('truncated', /^(whole|short)/), 0)).toEqual([]);
  });

  test('a file that ends early is refused, or at best effort as Pillow has it', async () => {
    expect((await outcomes('error', /^cut/)).filter(({ code }) => code !== 'ERR_IMAGE_TRUNCATED')).toEqual([]);
    const found = await outcomes('truncated', decoder === 'jimp' ? /^cut.*(?<!jpg)$/ : /^cut/);
    const different = found.filter(({ code, pillowFails, largest, count = 0, name }) => {
      // Of a row that is cut, Pillow drops what there is of it.
      if (name.endsWith('strips.tif')) return count > 3 * 90;
      return pillowFails ? code === undefined : largest !== 0;
    });
    expect(different).toEqual([]);
  });
});
