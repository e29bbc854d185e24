/** Cleaning and cutting a text eight times as long takes about eight times the work, whatever the text is made of. */
import { ClipTokenizer } from '../../lib/tokenizer';
import { cleanText } from '../../lib/tokenizer/clean';
import { tinyClip } from '../support/bundles';

const PARTS: Record<string, string> = {
  'one letter': 'a',
  letters: 'abcdefghij',
  words: 'some words ',
  blanks: ' ',
  'blanks and letters': '   a',
  digits: '1',
  signs: '!?',
  'accented letters': 'é',
  emoji: '😀',
  'misread UTF-8': 'Ã©',
  'twice misread UTF-8': 'Ã¢â‚¬Å“',
  'half-misread UTF-8': 'Ã ',
  'misread Cyrillic': 'вЂ',
  ampersands: '&',
  'levels of ampersands': 'amp;',
  'levels of numbers': '#38;',
  references: '&lt;',
  'unknown references': '&abcdefghijklmnopqrstuvwxyz',
  'terminal escapes': '\x1b[1;',
  'decomposed letters': 'e\u0301',
  'full width': 'Ａ',
  lines: 'é\n',
  'special tokens': '<start_of_text>',
  'less-than signs': '<',
};

let tokenizer: ClipTokenizer;
beforeAll(async () => {
  tokenizer = await ClipTokenizer.load(await tinyClip(), { file: 'tokenizer.json', clean: 'lower' });
}, 600_000);

/** Milliseconds of processor time, the least of several runs. */
function work(run: () => void): number {
  return Math.min(
    ...Array.from({ length: 3 }, () => {
      const start = process.cpuUsage();
      run();
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1000;
    }),
  );
}

test.each(Object.keys(PARTS))('%s', (name) => {
  const part = PARTS[name] as string;
  const text = (length: number): string => `a&${part.repeat(Math.ceil(length / part.length))}b`;
  const encode = (length: number): number => {
    const long = text(length);
    return work(() => {
      cleanText(long, 'lower');
      tokenizer.encode(long);
    });
  };
  encode(4000);
  // Below a millisecond the clock decides.
  expect(encode(32_000)).toBeLessThan(24 * Math.max(encode(4000), 1));
});
