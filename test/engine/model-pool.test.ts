import { Interrogator, ModelPool } from '../../lib';
import { testImage } from '../support/images';

const CONFIG = { clipModelName: 'sample', captionModelName: 'sample', cachePath: null, device: 'cpu', quiet: true } as const;

test('interrogators of a pool have one device, and each model once', async () => {
  const pool = new ModelPool();
  const pair = await Interrogator.create(CONFIG, { pool });
  const { weightBytes } = pair.stats().device;
  const clip = await Interrogator.create({ ...CONFIG, captionModelName: null }, { pool });
  const global = await Interrogator.create({ ...CONFIG, ranking: 'global' }, { pool });
  expect(global.stats().device.weightBytes).toBe(weightBytes);
  const completed = pair.stats().device.completed;
  (await clip.imageToFeatures(testImage(3))).close();
  expect(pair.stats().device.completed).toBeGreaterThan(completed);
  await Promise.all([pair.dispose(), clip.dispose(), global.dispose()]);
});

test('an interrogator that is disposed leaves the others what they share', async () => {
  const pool = new ModelPool();
  const [first, second] = await Promise.all([Interrogator.create(CONFIG, { pool }), Interrogator.create(CONFIG, { pool })]);
  const before = await second.describe(testImage(3), { mode: 'fast' });
  const running = first.describe(testImage(3), { mode: 'best' });
  const ended = expect(running).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  await first.dispose();
  await ended;
  const { completed } = second.stats().device;
  const after = await second.describe(testImage(3), { mode: 'fast' });
  expect({ ...after, seconds: 0 }).toEqual({ ...before, seconds: 0 });
  await second.dispose();
  // All was closed: the next one opens it again.
  const third = await Interrogator.create(CONFIG, { pool });
  expect(third.stats().device.completed).toBeLessThan(completed);
  await third.dispose();
});

test('the answers of a pool are those of an interrogator by itself', async () => {
  const pool = new ModelPool();
  const [shared, alone] = [await Interrogator.create(CONFIG, { pool }), await Interrogator.create(CONFIG)];
  for (const mode of ['best', 'classic', 'negative'] as const) {
    const [one, other] = [await shared.describe(testImage(3), { mode }), await alone.describe(testImage(3), { mode })];
    expect({ ...one, seconds: 0 }).toEqual({ ...other, seconds: 0 });
  }
  await Promise.all([shared.dispose(), alone.dispose()]);
});

test('the abort of one does not end what another opens', async () => {
  const pool = new ModelPool();
  const abort = new AbortController();
  const given = Interrogator.create(CONFIG, { pool, signal: abort.signal, onProgress: () => abort.abort() });
  const kept = Interrogator.create(CONFIG, { pool });
  await expect(given).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  await (await kept).dispose();
});

test('models that change places cannot be shared', async () => {
  const pool = new ModelPool();
  await expect(Interrogator.create({ ...CONFIG, clipOffload: true }, { pool })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
});

test('a pool is a ModelPool', async () => {
  const wrong = { pool: {} as ModelPool };
  await expect(Interrogator.create(CONFIG, wrong)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
});
