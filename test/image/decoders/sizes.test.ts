import sharp from 'sharp';
import { decodeJpeg } from '../../../lib/image/decoders/jpeg';
import { type DecodeRequest, requireSize } from '../../../lib/image/decoders/request';
import { decodeWithSharp } from '../../../lib/image/decoders/sharp';

const SIZES = [
  { width: 200, height: 150 },
  { width: 1500, height: 2000 },
  { width: 1, height: 1 },
];

test.each(SIZES)(
  'an image of another size than its header said, here $width × $height, is refused before it is allocated',
  async (size) => {
    const bytes = await sharp({ create: { width: 2000, height: 1500, channels: 3, background: '#567' } })
      .jpeg()
      .toBuffer();
    const request: DecodeRequest = { format: 'jpeg', bytes, ...size, isLenient: false };
    await expect(decodeWithSharp(sharp, request)).rejects.toThrow(/its header says/);
    await expect(decodeJpeg(bytes, request).then((image) => requireSize(image, request))).rejects.toThrow(
      /its header says|maxResolutionInMP|limit/,
    );
  },
);
