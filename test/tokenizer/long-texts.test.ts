/** Long texts: cut in a thread, as short ones are, while the event loop goes on. */
import type { Clip } from '../../lib/engine/clip';
import { ClipTokenizer, splitsCleanly } from '../../lib/tokenizer';
import { tinyClip } from '../support/bundles';
import { costOfOnePass, countsMainThread, longestTurn, mainThreadTime } from '../support/main-thread';
import { clipOfTexts } from '../support/texts';

let tokenizer: ClipTokenizer;
let clip: Clip;
const never = new AbortController();
beforeAll(async () => {
  tokenizer = await ClipTokenizer.load(await tinyClip(), { file: 'tokenizer.json', clean: 'lower' });
  clip = clipOfTexts(tokenizer);
}, 600_000);

const LONG: Record<string, string> = {
  'one word': 'a'.repeat(300_000),
  'many words': 'soft light, '.repeat(30_000),
  'accented letters': 'é'.repeat(100_000),
  'misread UTF-8': 'Ã©'.repeat(50_000),
  'combining marks': `a${'\u0301\u0323'.repeat(8000)}`,
  'few combining marks': `a${'\u0301\u0323\u0345\u0334'.repeat(490)}`,
  'levels of references': `&${'amp;'.repeat(50_000)}`,
};

test.each(Object.keys(LONG))('%s give the same tokens, and others have their turn', async (name) => {
  const text = LONG[name] as string;
  // The thread is warm: what follows is the text alone.
  await clip.encodeAll(['b'.repeat(5000)], never);
  const normalize = jest.spyOn(String.prototype, 'normalize');
  let ids: Int32Array | undefined;
  let spent = Number.POSITIVE_INFINITY;
  // The least of three: a collection of garbage may fall into one of them.
  for (let i = 0; i < 3; i += 1) {
    const before = mainThreadTime();
    [, ids] = await clip.encodeAll(['short', text], never);
    spent = Math.min(spent, mainThreadTime() - before);
  }
  expect(normalize).not.toHaveBeenCalled();
  normalize.mockRestore();
  const start = mainThreadTime();
  expect(ids).toEqual(tokenizer.encode(text));
  // Judged by the main thread's own work beside that for the same text on it.
  expect(spent).toBeLessThan(Math.max((mainThreadTime() - start) / 3, 15));
});

const KINDS = ['ﬃ', 'ﷺ', '👨‍👩‍👧‍👦', '🇩🇪', '\ud800', 'שּׁ', '─', 'é', '日', 'Ã©', 'a', 'a cat, '];

(countsMainThread ? test : test.skip).each(KINDS)('texts that are just not long, of %s, leave others their turn', async (kind) => {
  const texts = [1990, 900, 500, 330, 250, 140].map((length) => kind.repeat(Math.floor(length / kind.length)));
  const turns: number[] = [];
  for (let sample = 0; sample < 5; sample += 1) turns.push(await longestTurn(() => clip.encodeAll(texts, never)));
  expect(Math.min(...turns)).toBeLessThan(costOfOnePass() / 3);
});

test('an abort ends the thread, and the next text has a new one', async () => {
  const controller = new AbortController();
  const waits = clip.encodeAll(['a'.repeat(3_000_000)], controller);
  setTimeout(() => controller.abort(), 50);
  await expect(waits).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  expect((await clip.encodeAll(['b'.repeat(3000)], never))[0]?.length).toBeGreaterThan(100);
});

test('a text that waits for the thread hears its abort at once', async () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const ends: string[] = [];
  const text = `a${'\u0301\u0323'.repeat(40_000)}`;
  const running = tokenizer.longTexts.ask('encode', text, first.signal).then(
    () => ends.push('done'),
    () => ends.push('first'),
  );
  const waiting = tokenizer.longTexts.ask('encode', 'b'.repeat(3000), second.signal).catch(({ code }) => ends.push(code));
  second.abort();
  await waiting;
  first.abort();
  await running;
  expect(ends).toEqual(['ERR_ABORTED', 'first']);
});

test('whether a long text splits cleanly is told by the thread, as on the loop', async () => {
  const texts = [...Object.values(LONG), 'é'.repeat(3000), 'a < b '.repeat(1000), 'short'];
  expect(await clip.splitCleanly(texts, never)).toEqual(texts.map(splitsCleanly));
});
