/** Term lists, damaged at random: read as a plain decoder reads them, or refused as what they are. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadList } from '../../lib';
import { strip } from '../../lib/tokenizer/clean/python-text';
import { fuzz, outcome } from './support/fuzz';
import { mutated, type Random } from './support/random';

const WORDS = ['soft light', 'Dürer', '浮世絵', '𝒳', ' ', '', 'a\u2028b', "Rubens' \u00a0", '\ufeffx', 'e\u0301'];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'term-lists-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a damaged term list is read as it is or refused', async () => {
  const file = path.join(folder, 'list.txt');
  await fuzz('term-lists', { seconds: 6 }, async (random) => {
    const sound = encoded(random);
    const bytes = random.chance(0.1) ? sound : mutated(sound, random);
    writeFileSync(file, bytes);
    const { value, code } = await outcome(() => loadList(file));
    const expected = plainly(bytes);
    expect(code).toBe(expected ? undefined : 'ERR_VOCABULARY_INVALID');
    expect(value).toEqual(expected);
  });
});

function encoded(random: Random): Buffer {
  const length = random.pick([0, 3, 100, 6000]);
  const terms = Array.from({ length }, () => random.pick(WORDS) + random.pick(WORDS) + random.pick(['\n', '\n', '\r\n', '\r']));
  const text = terms.join('');
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');
  return random.pick([Buffer.from(text), Buffer.from(`\ufeff${text}`), utf16, Buffer.from(utf16).swap16(), Buffer.from(text, 'latin1')]);
}

/** The whole file at once, by Node's own decoders. Undefined where it is no text. */
function plainly(bytes: Buffer): string[] | undefined {
  const mark = bytes.toString('hex', 0, 2);
  const encoding = mark === 'fffe' ? 'utf-16le' : mark === 'feff' ? 'utf-16be' : 'utf-8';
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
  if (text.includes('\0')) return undefined;
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines.map(strip);
}
