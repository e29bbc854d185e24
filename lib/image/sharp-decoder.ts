/** JPEG, PNG, WebP and TIFF by sharp: libvips decodes as Pillow does, bit for bit, on threads of its own. */
import type { Sharp, SharpOptions } from 'sharp';
import { DecodeFailure, type RgbImage } from './failure';
import type { FormatName } from './formats';
import { toRgb } from './to-rgb';

type SharpModule = (input: Buffer, options: SharpOptions) => Sharp;

let loaded: SharpModule | null | undefined;

/** Undefined where sharp is not installed, does not load, or `TORCH_INTERROGATOR_DECODER=jimp` forbids it. */
export function loadSharp(): SharpModule | undefined {
  if (process.env.TORCH_INTERROGATOR_DECODER === 'jimp') return undefined;
  if (loaded === undefined) {
    try {
      loaded = require('sharp') as SharpModule;
    } catch {
      loaded = null;
    }
  }
  return loaded ?? undefined;
}

/** Throws a DecodeFailure without knowledge of its kind, as 'corrupt'. */
export async function decodeWithSharp(sharp: SharpModule, bytes: Buffer, format: FormatName): Promise<RgbImage> {
  const options: SharpOptions = {
    // Pillow forgives a JPEG's bit errors, but not a TIFF's or a PNG's.
    failOn: format === 'png' || format === 'tiff' ? 'error' : 'truncated',
    ignoreIcc: true,
    autoOrient: false,
    limitInputPixels: false,
    page: 0,
    pages: 1,
  };
  try {
    const { space, depth, channels: channelCount } = await sharp(bytes, options).metadata();
    if (space === 'cmyk') return await decodeCmyk(sharp(bytes, options));
    if (depth === 'ushort') {
      const isGray = space === 'grey16';
      // In a PNG, transparency may have been added to what is plain grey in the file.
      const isPlainGray = isGray && (format === 'png' ? bytes[25] === 0 : channelCount === 1);
      return await decode16Bit(sharp(bytes, options), isGray ? 'grey16' : 'rgb16', isPlainGray);
    }
    const { data, info } = await sharp(bytes, options).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    if (channels === 3) return { data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), width, height };
    return toRgb(width, height, (pixel, rgb, to) => rgb.fill(data[pixel * channels] as number, to, to + 3));
  } catch (cause) {
    throw new DecodeFailure('corrupt', firstLine((cause as Error).message));
  }
}

/** Pillow's own formula, without profiles: each channel is (255 - K) less its ink's share of that. */
async function decodeCmyk(image: Sharp): Promise<RgbImage> {
  const inks = image.pipelineColourspace('cmyk').toColourspace('cmyk');
  const { data, info } = await inks.raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return toRgb(width, height, (pixel, rgb, to) => {
    const from = pixel * channels;
    const light = 255 - (data[from + 3] as number);
    for (let ink = 0; ink < 3; ink++) {
      const product = (data[from + ink] as number) * light + 128;
      rgb[to + ink] = Math.max(0, light - ((product + (product >> 8)) >> 8));
    }
  });
}

/** Pillow clips plain 16-bit grey to 255; of other 16-bit images it takes the high bytes. */
async function decode16Bit(image: Sharp, space: 'grey16' | 'rgb16', isPlainGray: boolean): Promise<RgbImage> {
  const samples = image.pipelineColourspace(space).toColourspace(space).raw({ depth: 'ushort' });
  const { data, info } = await samples.toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const words = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  const toByte = isPlainGray ? (word: number) => Math.min(word, 255) : (word: number) => word >> 8;
  return toRgb(width, height, (pixel, rgb, to) => {
    const from = pixel * channels;
    for (let channel = 0; channel < 3; channel++) rgb[to + channel] = toByte(words[from + (channels < 3 ? 0 : channel)] as number);
  });
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] as string;
}
