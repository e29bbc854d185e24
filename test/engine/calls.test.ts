/** Which calls are admitted, how they end, and who is told. The device is not needed for it. */
import diagnostics from 'node:diagnostics_channel';
import { setTimeout as delay } from 'node:timers/promises';
import { NO_OPTIONS } from '../../lib/arguments';
import { Config } from '../../lib/config';
import { type CallMessage, Calls } from '../../lib/engine/calls';
import type { NativeBinding } from '../../lib/native/types';
import { fuzz } from '../fuzz/support/fuzz';

let cancelled: number;
const binding = { createCancelToken: () => ({ cancel: () => cancelled++ }) } as unknown as NativeBinding;
const callsOf = (maxBatch: number, maxQueue: number): Calls => new Calls(new Config({ maxBatch, maxQueue, quiet: true }), binding);
const forever = (signal: AbortSignal): Promise<never> => delay(60_000, undefined as never, { signal, ref: false });

beforeEach(() => {
  cancelled = 0;
});

test('one call too many is refused at once, and there is room again when one has ended', async () => {
  const calls = callsOf(2, 1);
  const controller = new AbortController();
  const under = [1, 2, 3].map(() => calls.run('a', { signal: controller.signal }, NO_OPTIONS, ({ signal }) => forever(signal)));
  await expect(calls.run('b', {}, NO_OPTIONS, async () => 1)).rejects.toMatchObject({
    code: 'ERR_BUSY',
    message: expect.stringMatching(/3 calls.*maxQueue/s),
  });
  expect(calls.counts).toMatchObject({ running: 3, refused: 1 });
  controller.abort('enough');
  for (const call of under) await expect(call).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });
  expect(await calls.run('b', {}, NO_OPTIONS, async () => 1)).toBe(1);
  expect(calls.counts).toEqual({ running: 0, waiting: 0, done: 1, failed: 0, aborted: 3, refused: 1 });
  expect(cancelled).toBe(3);
});

test('calls that wait are served in their order, whatever runs and is given up beside them', async () => {
  await fuzz('calls', { seconds: 1, least: 30 }, async (random) => {
    const calls = callsOf(random.between(1, 4), 1);
    const order: number[] = [];
    let running = 0;
    const waiting = Array.from({ length: random.between(1, 40) }, (_, number) => {
      const controller = new AbortController();
      if (random.chance(0.2)) setTimeout(() => controller.abort(), random.below(4));
      const work = async (): Promise<void> => {
        order.push(number);
        running += 1;
        expect(running).toBeLessThanOrEqual(calls.most);
        await delay(random.below(3));
        running -= 1;
      };
      return calls
        .run('each', { signal: controller.signal }, NO_OPTIONS, work, { waits: true })
        .catch((error: { code: string }) => expect(error.code).toBe('ERR_ABORTED'));
    });
    await Promise.all(waiting);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(calls.counts).toMatchObject({ running: 0, waiting: 0, refused: 0, failed: 0 });
    expect(calls.counts.done + calls.counts.aborted).toBe(waiting.length);
  });
});

test('a disposal ends what runs and what waits', async () => {
  const calls = callsOf(1, 1);
  const all = Array.from({ length: 5 }, () => calls.run('a', {}, NO_OPTIONS, ({ signal }) => forever(signal), { waits: true }));
  const shared = calls.share(
    undefined,
    () => {},
    ({ signal }) => forever(signal),
  );
  expect(calls.counts).toMatchObject({ running: 2, waiting: 3 });
  calls.dispose();
  const disposed = { name: 'InterrogatorError', code: 'ERR_DISPOSED' };
  await Promise.all([...all, shared].map((call) => expect(call).rejects.toMatchObject(disposed)));
  await calls.settled();
  await expect(calls.run('a', {}, NO_OPTIONS, async () => 1)).rejects.toMatchObject(disposed);
});

test.each([1, 11, 1000])('%d calls with one signal leave no listener and no warning', async (count) => {
  const warnings: string[] = [];
  const warn = (warning: Error): number => warnings.push(warning.message);
  process.on('warning', warn);
  try {
    const controller = new AbortController();
    const calls = callsOf(4096, 1);
    const under = Array.from({ length: count }, () =>
      calls.run('a', { signal: controller.signal }, NO_OPTIONS, ({ signal }) => forever(signal)),
    );
    const done = Array.from({ length: count }, () => calls.run('a', { signal: controller.signal }, NO_OPTIONS, () => delay(1)));
    await Promise.all(done);
    controller.abort();
    await Promise.allSettled(under);
    await delay(5);
    expect(calls.counts).toMatchObject({ done: count, aborted: count });
    expect(warnings).toEqual([]);
  } finally {
    process.off('warning', warn);
  }
});

test('the diagnostics channel tells how each call ended', async () => {
  const messages: CallMessage[] = [];
  const listen = (message: unknown): number => messages.push(message as CallMessage);
  diagnostics.subscribe('torch-interrogator:call', listen);
  try {
    const calls = callsOf(1, 1);
    const slow = [1, 2].map(() => calls.run('slow', {}, NO_OPTIONS, () => delay(20)));
    await calls.run('refused', {}, NO_OPTIONS, async () => 1).catch(() => {});
    await Promise.all(slow);
    await calls.run('aborted', { signal: AbortSignal.abort() }, NO_OPTIONS, async () => 1).catch(() => {});
    await calls.run('failed', {}, NO_OPTIONS, () => Promise.reject(new Error('no'))).catch(() => {});
    expect(messages.map(({ call, outcome, error }) => [call, outcome, error?.code])).toEqual([
      ['refused', 'refused', 'ERR_BUSY'],
      ['slow', 'done', undefined],
      ['slow', 'done', undefined],
      ['aborted', 'aborted', 'ERR_ABORTED'],
      ['failed', 'failed', 'ERR_RUNTIME'],
    ]);
    expect(messages[1]?.seconds).toBeGreaterThan(0.01);
  } finally {
    diagnostics.unsubscribe('torch-interrogator:call', listen);
  }
});
