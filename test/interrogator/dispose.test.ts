/** dispose() does not wait for long work: what runs ends at its next slice. */
import { Interrogator, LabelTable } from '../../lib';

test('dispose ends the building of a whole label table at its next slice', async () => {
  const interrogator = await Interrogator.create({
    clipModelName: 'sample',
    captionModelName: null,
    device: 'cpu',
    cachePath: null,
    quiet: true,
  });
  const labels = Array.from({ length: 60_000 }, (_, i) => `${(i * 7919) % 60_000} birds over hill ${i % 997}`);
  let done = 0;
  let disposal: Promise<void> | undefined;
  const building = LabelTable.create(labels, null, interrogator, {
    onProgress: (event) => {
      if (event.done === 0 || event.done === event.total) return;
      done = event.done;
      disposal ??= interrogator.dispose();
    },
  });
  await expect(building).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  await disposal;
  expect(done).toBeGreaterThan(0);
  expect(done).toBeLessThan(labels.length / 2);
});
