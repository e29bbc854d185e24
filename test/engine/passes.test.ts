/** On the CPU, what shares a pass with an image changes nothing of its results, to the last bit. */
import { Interrogator, type Mode } from '../../lib';
import { tinyBlip, tinyClip } from '../support/bundles';
import { testImage } from '../support/images';

const MODES: readonly Mode[] = ['best', 'fast', 'classic', 'negative'];

/** Of many sizes: enlarged, reduced a little and much, long ones. */
const IMAGES = [
  [64, 64],
  [48, 40],
  [300, 200],
  [17, 90],
  [640, 480],
  [1, 1],
  [1000, 30],
  [224, 224],
  [65, 63],
  [400, 400],
  [90, 320],
  [33, 35],
].map(([width, height], seed) => testImage(seed + 1, width, height));

/** `count` places of images in an order that the seed chooses; some may be there twice. */
function company(seed: number, count: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * IMAGES.length);
  });
}

const COMPANIES = Array.from({ length: 12 }, (_, i) => company(i, i + 1));

function open(clipModelName: string, captionModelName: string): Promise<Interrogator> {
  return Interrogator.create({ clipModelName, captionModelName, device: 'cpu', cachePath: null, quiet: true });
}

/** Compares what `call` makes of images alone with what it makes of them at once. */
async function expectTheSame<T>(call: (place: number) => Promise<T>, companies: readonly number[][] = COMPANIES): Promise<void> {
  const alone: T[] = [];
  for (const place of IMAGES.keys()) alone.push(await call(place));
  for (const places of companies) {
    const together = await Promise.all(places.map(call));
    expect(together).toEqual(places.map((place) => alone[place]));
  }
}

async function featuresOf(ours: Interrogator, place: number): Promise<Float32Array> {
  using features = await ours.imageToFeatures(IMAGES[place] as never);
  return features.toArray();
}

describe('the sample pair', () => {
  let ours: Interrogator;
  beforeAll(async () => {
    ours = await open('sample', 'sample');
  });
  afterAll(() => ours?.dispose());

  test('gives the same features', () => expectTheSame((place) => featuresOf(ours, place)));

  test('gives the same captions', () => expectTheSame((place) => ours.generateCaption(IMAGES[place] as never)));

  test.each(MODES)('gives the same prompts and similarities in mode %s', async (mode) => {
    const describeOne = async (place: number) => {
      const { prompt, caption, similarity } = await ours.describe(IMAGES[place] as never, { mode });
      return { prompt, caption, similarity };
    };
    await expectTheSame(describeOne, mode === 'best' ? [company(1, 5)] : COMPANIES.slice(-4));
  });
});

describe.each(['tiny-clip', 'tiny-resnet', 'tiny-convnext'])('a seeded %s', (config) => {
  let ours: Interrogator;
  beforeAll(async () => {
    ours = await open(await tinyClip({ config }), await tinyBlip());
  });
  afterAll(() => ours?.dispose());

  test('gives the same features', () => expectTheSame((place) => featuresOf(ours, place)));

  test('gives the same captions', () => expectTheSame((place) => ours.generateCaption(IMAGES[place] as never), COMPANIES.slice(-2)));

  test('gives the same prompts and similarities', async () => {
    const describeOne = async (place: number) => {
      const { prompt, similarity } = await ours.describe(IMAGES[place] as never, { mode: 'fast' });
      return { prompt, similarity };
    };
    await expectTheSame(describeOne, COMPANIES.slice(-2));
  });
});
