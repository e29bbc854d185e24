/** Inputs of strangers that could hold the event loop up before any decoder sees them. */
import { closeDecodeThreads, decodeImage } from '../../lib/image';
import { outcome } from '../fuzz/support/fuzz';
import { costOfOnePass, countsMainThread, longestTurn } from '../support/main-thread';

afterAll(closeDecodeThreads);

/** In one piece: strings put together from others are copied when they are first read. */
function flat(text: string): string {
  return Buffer.from(text).toString('utf8');
}

const base64 = Buffer.alloc(15 << 20, 'no image').toString('base64');

const INPUTS: Record<string, () => unknown> = {
  'a data: URL of escapes': () => flat(`data:,${'%41'.repeat(1e6)}`),
  'a data: URL of letters and escapes': () => flat(`data:,${'an image %0a'.repeat(3e5)}`),
  'a data: URL in lines': () => flat(`data:;base64,${base64.replace(/.{76}/g, '$&\r\n')}`),
  'a data: URL full of blanks': () => flat(`data:;base64,${base64.slice(0, 5e6).replace(/../g, '$& ')}`),
  'a data: URL that is no Base64': () => flat(`data:;base64,${'!?'.repeat(1e7)}`),
  'a Blob': () => new Blob([new Uint8Array(150 << 20)]),
  'a stream that is always ready': () => (async function* () { for (const part = Buffer.alloc(64 << 10); ; ) yield part; })(),
  'a stream of large parts': () => (async function* () { for (const part = Buffer.alloc(50 << 20); ; ) yield part; })(),
  'a long URL': () => flat(`http://127.0.0.1:1/${'é'.repeat(1e7)}`),
  'a long file: URL': () => flat(`file:///${'%41'.repeat(1e7)}`),
  'a long path': () => flat('folder/'.repeat(1e7)),
}; // biome-ignore format: a table

(countsMainThread ? test : test.skip).each(Object.keys(INPUTS))('the event loop goes on while it is given %s', async (name) => {
  const turns: number[] = [];
  for (let sample = 0; sample < 3; sample++) {
    const input = INPUTS[name]?.();
    turns.push(await longestTurn(() => outcome(() => decodeImage(input as never))));
  }
  // The least of three: a garbage collection is not the reader's.
  expect(Math.min(...turns)).toBeLessThan(costOfOnePass() / 3);
});
