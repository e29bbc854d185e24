/** Contents that arrive otherwise than the hub declared them, or from another place than was asked for. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cachedFile, fetchFiles } from '../../lib/hub';
import { contentsOf, expectOnly, makePlace, type Place, partOf } from './place';

const REPOSITORY = 'maker/model';
const WEIGHTS = 'weights.safetensors';
const MB = 1_000_000;

let place: Place;
let blobs: string;
beforeEach(async () => {
  place = await makePlace();
  blobs = contentsOf(place, REPOSITORY);
});
afterEach(() => place.leave());

const expectWhole = (weights: Buffer): Promise<void> => expectOnly(place, REPOSITORY, WEIGHTS, weights);

test.each([
  ['large', 3 * MB],
  ['small', 50_000],
])('a flipped byte of a %s file is noticed, and the file fetched once more from its start', async (_, size) => {
  const weights = place.write(REPOSITORY, WEIGHTS, size);
  place.hub.faults.push({ method: 'GET', flip: size - 7, at: size > 100_000 ? 'store' : 'hub' });
  await fetchFiles(REPOSITORY, [WEIGHTS]);
  expect(place.hub.bytesSent).toBe(2 * size);
  await expectWhole(weights);
});

test('damage that comes every time is an error that says so, and nothing is kept', async () => {
  place.write(REPOSITORY, WEIGHTS, 3 * MB);
  place.hub.faults.push({ at: 'store', times: -1, flip: 5 });
  await expect(fetchFiles(REPOSITORY, [WEIGHTS])).rejects.toMatchObject({
    code: 'ERR_NETWORK',
    message: expect.stringMatching(/arrived damaged: its SHA-256 is not [0-9a-f]{64}.*again/s),
  });
  expect(readdirSync(blobs)).toEqual([]);
  expect(await cachedFile(REPOSITORY, WEIGHTS)).toBeUndefined();
});

test('damage in what a killed process left costs one more fetch', async () => {
  const weights = place.write(REPOSITORY, WEIGHTS, 3 * MB);
  place.hub.faults.push({ at: 'store', times: -1, cutAfter: 700_000 });
  const controller = new AbortController();
  const stop = (_: string, done: number): void => void (done > MB && controller.abort());
  await expect(fetchFiles(REPOSITORY, [WEIGHTS], { signal: controller.signal, onProgress: stop })).rejects.toThrow();
  const part = readFileSync(partOf(place, REPOSITORY, weights));
  part[100] = (part[100] as number) ^ 1;
  writeFileSync(partOf(place, REPOSITORY, weights), part);
  place.hub.faults.length = 0;
  await fetchFiles(REPOSITORY, [WEIGHTS]);
  await expectWhole(weights);
});

test.each([1, -1_000_000])('a rest that begins %i bytes off is not added, and all is asked for again', async (rangeOff) => {
  const weights = place.write(REPOSITORY, WEIGHTS, 3 * MB);
  place.hub.faults.push({ at: 'store', method: 'GET', cutAfter: 1_000_000 }, { at: 'store', method: 'GET', rangeOff });
  await fetchFiles(REPOSITORY, [WEIGHTS]);
  await expectWhole(weights);
});

test('a server that always cuts, and gives another rest than was asked for, is given up', async () => {
  place.write(REPOSITORY, WEIGHTS, 3 * MB);
  place.hub.faults.push({ at: 'store', method: 'GET', times: -1, cutAfter: 1_000_000, rangeOff: 1 });
  await expect(fetchFiles(REPOSITORY, [WEIGHTS])).rejects.toMatchObject({ code: 'ERR_NETWORK' });
  expect(place.hub.bytesSent).toBeLessThan(12 * MB);
}, 120_000);

test.each([400, 403])(
  'a store that refuses an old address with %i is asked by a new one',
  async (status) => {
    const weights = place.write(REPOSITORY, WEIGHTS, 3 * MB);
    place.hub.faults.push({ at: 'store', method: 'GET', status });
    await fetchFiles(REPOSITORY, [WEIGHTS]);
    await expectWhole(weights);
    place.hub.faults.push({ at: 'store', times: -1, status });
    place.write(REPOSITORY, 'other.bin', 2 * MB);
    await expect(fetchFiles(REPOSITORY, ['other.bin'])).rejects.toMatchObject({
      code: 'ERR_NETWORK',
      message: expect.stringMatching(new RegExp(`where the hub keeps other\\.bin, answered ${status}`)),
    });
  },
  120_000,
);

test('a content that is longer than declared is refused', async () => {
  place.write(REPOSITORY, WEIGHTS, 3 * MB);
  place.hub.faults.push({ at: 'store', times: -1, longer: 5 });
  await expect(fetchFiles(REPOSITORY, [WEIGHTS])).rejects.toMatchObject({
    message: expect.stringContaining('3000005 bytes, not 3000000'),
  });
});
