import { readFileSync } from 'node:fs';
import { fromBase64 } from '../../../lib/server/pictures/base64';
import { Spool } from '../../../lib/server/pictures/spool';
import { mulberry32 as generator } from '../../support/images';

const spool = new Spool();
afterAll(() => spool.close());

/** Of a text in memory, and of one in a file. */
async function decoded(text: string): Promise<Buffer[]> {
  const writer = spool.writer();
  await writer.write(Buffer.from(text, 'latin1'));
  await writer.end();
  const all = [await fromBase64(Buffer.from(text, 'latin1'), spool), await fromBase64(writer.stored, spool)];
  return all.map(({ stored }) => (typeof stored === 'string' ? readFileSync(stored) : stored));
}

function bytesOf(random: () => number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
}

const WRITTEN: Record<string, (bytes: Buffer) => string> = {
  plain: (bytes) => bytes.toString('base64'),
  'without padding': (bytes) => bytes.toString('base64').replace(/=+$/, ''),
  'in the alphabet of URLs': (bytes) => bytes.toString('base64url'),
  'in lines': (bytes) => bytes.toString('base64').replace(/(.{76})/g, '$1\r\n'),
  "with PHP's escapes": (bytes) => bytes.toString('base64').replaceAll('/', '\\/'),
  "with JSON's line ends": (bytes) => bytes.toString('base64').replace(/(.{76})/g, '$1\\n'),
};

test.each(Object.keys(WRITTEN))('bytes of any length come back %s', async (how) => {
  const random = generator(5);
  const write = WRITTEN[how] as (bytes: Buffer) => string;
  for (const length of [1, 2, 3, 4, 57, 58, 1000, 98_302, 98_303, 98_304, 98_305, 199_999, 200_000, 200_001, 400_000]) {
    const bytes = bytesOf(random, length);
    for (const each of await decoded(write(bytes))) expect(each.equals(bytes)).toBe(true);
  }
});

test('what is no Base64 is refused, wherever it is wrong', async () => {
  const random = generator(6);
  const text = bytesOf(random, 300_000).toString('base64');
  for (const stranger of ['!', '*', '%', '"', '<', 'ü', '\u0000', '.', ',']) {
    for (const place of [0, 5, 200_001, 262_144, text.length - 3]) {
      const wrong = text.slice(0, place) + stranger + text.slice(place);
      await expect(decoded(wrong)).rejects.toMatchObject({ status: 400, code: 'ERR_IMAGE_ENCODING' });
    }
  }
  await expect(decoded('AAAAA')).rejects.toMatchObject({ status: 400 });
});
