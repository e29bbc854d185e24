import { parseWithLongStrings, placeOf } from '../../../lib/server/bodies/long-strings';
import { fromBase64 } from '../../../lib/server/pictures/base64';
import { mulberry32 as generator } from '../../support/images';

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
    const { value, strings } = await parseWithLongStrings(Buffer.from(text));
    taken += strings.length;
    expect(restored(value, strings)).toEqual(given);
  }
  expect(taken).toBeGreaterThan(20);
});

test.each(['', '{', '{"a":1', '{"a":"b', '"\\"', '{"a":1}}', '[1,]', 'nul', '{"a" 1}', '\u0000', '{"a":"\u0001"}'])(
  '%p is no JSON',
  async (text) => {
    await expect(parseWithLongStrings(Buffer.from(text))).rejects.toMatchObject({ status: 400 });
  },
);

test('what is nested deep is refused before it is parsed', async () => {
  for (const open of ['[', '{"a":']) {
    await expect(parseWithLongStrings(Buffer.from(open.repeat(100_000)))).rejects.toMatchObject({ status: 400 });
  }
});

test('much JSON that is no picture is refused', async () => {
  const labels = JSON.stringify({ labels: Array.from({ length: 500 }, () => 'x'.repeat(10_000)) });
  await expect(parseWithLongStrings(Buffer.from(labels))).rejects.toMatchObject({ status: 413 });
});

test('a field that would change what objects are is refused', async () => {
  await expect(parseWithLongStrings(Buffer.from('{"a":{"__proto__":{"b":1}}}'))).rejects.toMatchObject({ status: 400 });
  expect(({} as { b?: number }).b).toBeUndefined();
});

test('a picture of many megabytes holds the event loop for no time to speak of', async () => {
  const picture = Buffer.alloc(24 << 20, 7);
  const body = Buffer.from(JSON.stringify({ image: picture.toString('base64'), modes: ['fast'] }));
  const { value, strings } = await parseWithLongStrings(body);
  expect(value).toMatchObject({ modes: ['fast'] });
  expect(strings).toHaveLength(1);
  expect((await fromBase64(strings[0] as Buffer)).equals(picture)).toBe(true);
});
