import { createHash, createHmac, randomBytes } from 'node:crypto';
import { SlicedSha256 } from '../../../lib/fleet/store/s3/sliced-sha256';

test.each([0, 1, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, 3_000_000])(
  '%d bytes have the digest that Node gives them at once',
  async (length) => {
    const [data, secret] = [randomBytes(length), randomBytes(32)];
    for (const cut of [0, length >> 1, length]) {
      const hash = new SlicedSha256();
      hash.update('ü');
      hash.update(data.subarray(0, cut));
      hash.update(new DataView(data.buffer, data.byteOffset + cut, length - cut));
      expect(Buffer.from(await hash.digest()).toString('hex')).toBe(createHash('sha256').update('ü').update(data).digest('hex'));
      hash.reset();
      hash.update(new Uint8Array(data).buffer);
      expect(Buffer.from(await hash.digest()).toString('hex')).toBe(createHash('sha256').update(data).digest('hex'));
    }
    const keyed = new SlicedSha256(secret);
    keyed.update(data);
    expect(Buffer.from(await keyed.digest()).toString('hex')).toBe(createHmac('sha256', secret).update(data).digest('hex'));
  },
);
