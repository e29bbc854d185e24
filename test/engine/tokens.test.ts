import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { packTokens } from '../../lib/engine/clip';
import { splitsCleanly } from '../../lib/tokenizer';
import { clipOfTexts } from '../support/texts';

test('token lists are packed end to end', () => {
  expect(packTokens([Int32Array.of(1, 2), new Int32Array(), Int32Array.of(3)])).toEqual({
    ids: Int32Array.of(1, 2, 3),
    offsets: Int32Array.of(0, 2, 2, 3),
  });
  expect(packTokens([])).toEqual({ ids: new Int32Array(), offsets: Int32Array.of(0) });
});

/** Takes 0.1 ms a text, as a slow machine would. */
const slow = clipOfTexts({
  encode: (text: string) => {
    const end = performance.now() + 0.1;
    while (performance.now() < end);
    return Int32Array.of(text.length);
  },
  longTexts: { ask: () => Promise.reject(new Error('no text is long')) },
});

const never = new AbortController();

test('tokenising many texts lets others have their turn', async () => {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const lists = await slow.encodeAll(
    Array.from({ length: 3000 }, (_, i) => 'x'.repeat(i % 7)),
    never,
  );
  delay.disable();
  expect(lists.map(([length]) => length).slice(0, 8)).toEqual([0, 1, 2, 3, 4, 5, 6, 0]);
  // 300 ms of work; on a busy machine a turn may come late, but not at the end.
  expect(delay.max / 1e6).toBeLessThan(150);
});

test('an abort stops the tokenising', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort('enough'), 10);
  await expect(slow.encodeAll(Array(20_000).fill('x'), controller)).rejects.toMatchObject({ cause: 'enough' });
});

test('asking of many phrases whether they split cleanly lets others have their turn', async () => {
  const phrases = Array.from({ length: 20_000 }, (_, i) => `é ${'ü'.repeat(i % 40)} Ã ${i}`);
  let [turns, isOver] = [0, false];
  const others = (async () => {
    for (; !isOver; turns++) await nextTurn();
  })();
  const start = process.cpuUsage();
  const split = await slow.splitCleanly(phrases, never).finally(() => {
    isOver = true;
  });
  const { user } = process.cpuUsage(start);
  await others;
  expect(split).toEqual(phrases.map(splitsCleanly));
  // A turn at least for every 20 ms of work.
  expect(turns).toBeGreaterThan(user / 20_000);
});
