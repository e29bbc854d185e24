import { monitorEventLoopDelay } from 'node:perf_hooks';
import { textOrder } from '../../lib/labels/text-order';

test.each([0, 1, 2, 255, 256, 257, 511, 512, 513, 1000, 5000])(
  '%p texts come in the order of their code units, equal ones in their own',
  async (count) => {
    const texts = Array.from({ length: count }, () => `${'ab'[Math.floor(Math.random() * 2)]}${Math.floor(Math.random() * count * 0.7)}é`);
    const expected = texts
      .map((_, place) => place)
      .sort((a, b) => ((texts[a] as string) < (texts[b] as string) ? -1 : texts[a] === texts[b] ? a - b : 1));
    expect([...(await textOrder(texts, undefined))]).toEqual(expected);
  },
);

test('others get turns meanwhile, and an abort ends it', async () => {
  const texts = Array.from({ length: 200_000 }, (_, i) => `a photograph of ${(i * 7919) % 200_000}`);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await textOrder(texts, undefined);
  delay.disable();
  expect(delay.count).toBeGreaterThan(20);
  await expect(textOrder(texts, AbortSignal.abort())).rejects.toMatchObject({ code: 'ERR_ABORTED' });
});
