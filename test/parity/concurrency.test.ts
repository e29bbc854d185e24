/** Many callers at once: each gets what it gets alone, in any order, with any batch size. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ConfigInput, Interrogator, type Mode } from '../../lib';
import { exportBundle } from '../support/bundles';
import { blipCheckpoint } from './checkpoints';
import { largestDifference } from './compare';
import { Reference } from './reference';

const VOCABULARY = path.join(__dirname, 'reference', 'vocabulary');
const CLIP = ['--untrained', '--seed', '7', '--config', path.join(__dirname, 'reference', 'tiny-clip.json'), '--vocabulary', VOCABULARY];
const PHOTOGRAPHS = ['astronaut.png', 'coffee.png', 'chelsea.png', 'rocket.jpg', 'camera.png', 'hubble_deep_field.jpg'];
const MODES: readonly Mode[] = ['best', 'fast', 'classic', 'negative', 'caption'];
const CALLERS = 16;
const ALONE_TOLERANCE = 1e-5;

interface Task {
  image: string;
  mode: Mode | 'features';
}

let reference: Reference;
let images: string[];

beforeAll(async () => {
  reference = await Reference.start();
  const photographs = await reference.call<string>('photographs');
  images = PHOTOGRAPHS.map((name) => path.join(photographs, name));
}, 900_000);

afterAll(() => reference?.stop());

function perform(interrogator: Interrogator, { image, mode }: Task): Promise<string | Float32Array> {
  if (mode === 'features') return interrogator.imageToFeatures(image).then((features) => features.toArray());
  return interrogator.describe(image, { mode, minFlavors: 3, maxFlavors: 6 }).then(({ prompt, caption }) => `${prompt} | ${caption}`);
}

/** Fisher and Yates, by a linear congruential generator. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const order = [...items];
  let state = seed;
  for (let i = order.length - 1; i > 0; i -= 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = state % (i + 1);
    [order[i], order[other]] = [order[other] as T, order[i] as T];
  }
  return order;
}

describe.each(['small', 'medium'] as const)('with a %s BLIP', (size) => {
  let work: string;
  let settings: ConfigInput;
  const alone = new Map<string, string | Float32Array>();
  const key = ({ image, mode }: Task): string => `${mode} ${image}`;
  const tasks = (): Task[] => images.flatMap((image) => [...MODES, 'features' as const].map((mode) => ({ image, mode })));

  beforeAll(async () => {
    work = mkdtempSync(path.join(tmpdir(), 'concurrency-'));
    const checkpoint = await blipCheckpoint(reference, size, 11);
    settings = {
      clipModelName: await exportBundle('clip', 'tiny-clip/', CLIP),
      captionModelName: await exportBundle('caption', `blip-${size}`, ['--checkpoint', checkpoint]),
      cachePath: work,
      downloadCache: false,
      device: 'cpu',
      quiet: true,
      flavorIntermediateCount: 64,
    };
    await using interrogator = await Interrogator.create(settings);
    for (const task of tasks()) alone.set(key(task), await perform(interrogator, task));
    expect(new Set([...alone.values()].filter((answer) => typeof answer === 'string')).size).toBeGreaterThan(PHOTOGRAPHS.length);
  }, 600_000);

  afterAll(() => rmSync(work, { recursive: true, force: true }));

  test.each([1, 3, 16, 32])(
    '16 callers in any order answer as alone, at most %i merged',
    async (maxBatch) => {
      await using interrogator = await Interrogator.create({ ...settings, maxBatch });
      // Each task twice, so that equal ones meet too.
      const waiting = shuffled([...tasks(), ...tasks()], maxBatch);
      const differing: unknown[] = [];
      const caller = async (): Promise<void> => {
        for (let task = waiting.pop(); task; task = waiting.pop()) {
          const [mine, theirs] = [await perform(interrogator, task), alone.get(key(task))];
          const same = typeof mine === 'string' ? mine === theirs : largestDifference(mine, theirs as Float32Array) < ALONE_TOLERANCE;
          if (!same) differing.push({ task, mine, theirs });
        }
      };
      await Promise.all(Array.from({ length: CALLERS }, caller));
      expect(differing).toEqual([]);
      const { largestBatch } = interrogator.engine.device.stats();
      expect(largestBatch).toBeLessThanOrEqual(maxBatch);
      if (maxBatch > 1) expect(largestBatch).toBeGreaterThan(1);
    },
    900_000,
  );
});
