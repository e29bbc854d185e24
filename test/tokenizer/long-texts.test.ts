/** Long texts: cut in a thread, as short ones are, while the event loop goes on. */
import { encodeAll } from '../../lib/engine/tokens';
import { ClipTokenizer } from '../../lib/tokenizer';
import { tinyClip } from '../support/bundles';

let tokenizer: ClipTokenizer;
beforeAll(async () => {
  tokenizer = await ClipTokenizer.load(await tinyClip());
}, 600_000);

const LONG: Record<string, string> = {
  'one word': 'a'.repeat(300_000),
  'many words': 'soft light, '.repeat(30_000),
  'accented letters': 'é'.repeat(100_000),
  'misread UTF-8': 'Ã©'.repeat(50_000),
  'levels of references': `&${'amp;'.repeat(50_000)}`,
};

test.each(Object.keys(LONG))('%s give the same tokens, and others have their turn', async (name) => {
  const text = LONG[name] as string;
  // The thread is warm: what follows is the text alone.
  await encodeAll(tokenizer, ['b'.repeat(5000)]);
  const before = performance.eventLoopUtilization();
  const [ids] = await encodeAll(tokenizer, ['short', text]).then((lists) => lists.slice(1));
  const { active } = performance.eventLoopUtilization(before);
  const start = performance.now();
  expect(ids).toEqual(tokenizer.encode(text));
  // Judged by the loop's own work beside that of the same text on the loop.
  expect(active).toBeLessThan(Math.max((performance.now() - start) / 3, 15));
});

test('an abort ends the thread, and the next text has a new one', async () => {
  const controller = new AbortController();
  const waits = encodeAll(tokenizer, ['a'.repeat(3_000_000)], controller.signal);
  setTimeout(() => controller.abort(), 50);
  await expect(waits).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  expect((await encodeAll(tokenizer, ['b'.repeat(3000)]))[0]?.length).toBeGreaterThan(100);
});
