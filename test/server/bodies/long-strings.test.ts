import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseWithLongStrings, placeOf } from '../../../lib/server/bodies/long-strings';
import { fromBase64 } from '../../../lib/server/pictures/base64';
import { Spool } from '../../../lib/server/pictures/spool';
import { mulberry32 as generator } from '../../support/images';

const MOST = 64 << 20;
const spool = new Spool();
afterAll(() => spool.close());

/** In parts of whatever length, as a connection gives them, whose memory is used again. */
async function* partsOf(body: Buffer, length: () => number): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; ) {
    const part = Buffer.from(body.subarray(at, at + length()));
    at += part.length;
    yield part;
    part.fill(0x21);
  }
}

async function parse(text: string, length = (): number => 65_536): Promise<{ value: unknown; strings: Buffer[] }> {
  const { value, strings } = await parseWithLongStrings(partsOf(Buffer.from(text), length), spool, MOST);
  return { value, strings: strings.map(({ stored }) => (typeof stored === 'string' ? readFileSync(stored) : stored)) };
}

/** Puts the long strings back where their names stand. */
function restored(value: unknown, strings: readonly Buffer[]): unknown {
  if (typeof value === 'string') {
    const place = placeOf(value);
    return place === undefined ? value : JSON.parse(`"${strings[place]?.toString('utf8')}"`);
  }
  if (Array.isArray(value)) return value.map((each) => restored(each, strings));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, restored(each, strings)]));
}

/** Some JSON value, with long strings in it here and there. */
function madeUp(random: () => number, depth = 0): unknown {
  const kind = Math.floor(random() * (depth > 4 ? 5 : 7));
  if (kind === 0) return random() < 0.5 ? null : random() < 0.5;
  if (kind === 1) return Math.round(random() * 1e6) / 1e3;
  if (kind === 2) return 'é"\\\n\u2028{}[]:,'.repeat(Math.floor(random() * 20));
  if (kind === 3) return 'A'.repeat(32_000 + Math.floor(random() * 2000));
  if (kind === 4 && random() < 0.3) return '\u0001'.repeat(5000 + Math.floor(random() * 6000));
  if (kind === 4) return `${'x"\\y/'.repeat(9000)}${'\\'.repeat(Math.floor(random() * 4))}`;
  if (kind === 5) return Array.from({ length: Math.floor(random() * 4) }, () => madeUp(random, depth + 1));
  return Object.fromEntries(Array.from({ length: Math.floor(random() * 4) }, (_, i) => [`k"${i}\\`, madeUp(random, depth + 1)]));
}

test('what comes out is what JSON.parse would have given, with its long strings apart', async () => {
  const random = generator(11);
  let taken = 0;
  for (let i = 0; i < 150; i += 1) {
    const given = { value: madeUp(random) };
    const text = i % 2 ? JSON.stringify(given) : JSON.stringify(given, null, 2);
    const { value, strings } = await parse(text, () => 1 + Math.floor(random() * (i % 3 === 0 ? 5000 : 100_000)));
    taken += strings.length;
    expect(restored(value, strings)).toEqual(given);
  }
  expect(taken).toBeGreaterThan(20);
});

test.each(['', '{', '{"a":1', '{"a":"b', '"\\"', '{"a":1}}', '[1,]', 'nul', '{"a" 1}', '\u0000', '{"a":"\u0001"}'])(
  '%p is no JSON',
  async (text) => {
    await expect(parse(text)).rejects.toMatchObject({ status: 400 });
  },
);

test('what is nested deep is refused before it is parsed', async () => {
  for (const open of ['[', '{"a":']) {
    await expect(parse(open.repeat(100_000))).rejects.toMatchObject({ status: 400 });
  }
});

test('much JSON that is no picture is refused', async () => {
  const labels = JSON.stringify({ labels: Array.from({ length: 500 }, () => 'x'.repeat(10_000)) });
  await expect(parse(labels)).rejects.toMatchObject({ status: 413 });
});

test.each(['1,', '[],', '{},', '{"a":1},', '"a",', '[1],'])('very many values are refused, however short: %s', async (value) => {
  const list = (count: number): string => `[${value.repeat(count)}1]`;
  await expect(parse(list(149_000))).resolves.toMatchObject({ strings: [] });
  await expect(parse(list(310_000))).rejects.toMatchObject({ status: 413, hint: expect.stringContaining('/v1/tables') });
});

test('a field that would change what objects are is refused', async () => {
  await expect(parse('{"a":{"__proto__":{"b":1}}}')).rejects.toMatchObject({ status: 400 });
  expect(({} as { b?: number }).b).toBeUndefined();
});

test('a text as long as a route takes stays a text where all of its characters are escapes', async () => {
  const text = '\\u732b'.repeat(10_000);
  for (const length of [1000, 30_001, 65_536]) {
    const { value, strings } = await parse(`{"text":"${text}"}`, () => length);
    expect(value).toEqual({ text: '猫'.repeat(10_000) });
    expect(strings).toEqual([]);
  }
});

test('a picture of many megabytes is not in memory', async () => {
  const picture = Buffer.alloc(24 << 20, 7);
  const body = Buffer.from(JSON.stringify({ image: picture.toString('base64'), modes: ['fast'] }));
  const { value, strings } = await parseWithLongStrings(
    partsOf(body, () => 65_536),
    spool,
    MOST,
  );
  expect(value).toMatchObject({ modes: ['fast'] });
  expect(strings).toHaveLength(1);
  const text = strings[0]?.stored as string;
  expect(typeof text).toBe('string');
  const decoded = await fromBase64(text, spool);
  expect(readFileSync(decoded.stored as string).equals(picture)).toBe(true);
  expect(decoded.digest()).toBe(createHash('sha256').update(picture).digest('hex'));
});

test('a body that is too long is refused as soon as it is', async () => {
  let given = 0;
  async function* endless(): AsyncGenerator<Buffer> {
    for (;;) {
      given += 1;
      yield Buffer.from(given === 1 ? '{"image":"' : 'A'.repeat(1000));
    }
  }
  await expect(parseWithLongStrings(endless(), spool, 100_000)).rejects.toMatchObject({ status: 413 });
  expect(given).toBeLessThan(110);
});
