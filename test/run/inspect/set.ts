/** A set of pictures with everything that an inspection looks for. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { testImage } from '../../support/images';

export const SAMPLES = path.join(__dirname, '..', '..', '..', 'models', 'sample', 'images');
const [WIDTH, HEIGHT] = [96, 80];

/** A generated picture, unlike those of other seeds. */
export function picture(seed: number): Sharp {
  const { data } = testImage(seed, WIDTH, HEIGHT);
  return sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
}

/** What leaves a picture looking the same. */
export const EDITS: Readonly<Record<string, (image: Sharp) => Sharp>> = {
  're-encoded.jpg': (image) => image.jpeg({ quality: 90 }),
  'half.png': (image) => image.resize(WIDTH / 2).png(),
  'double.webp': (image) => image.resize(WIDTH * 2).webp({ lossless: true }),
  'cropped.png': (image) => image.extract({ left: 1, top: 1, width: WIDTH - 2, height: HEIGHT - 2 }).png(),
};

export async function writePicture(file: string, image: Sharp): Promise<void> {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, await image.toBuffer());
}

/** A picture that the sample pair knows how to caption: apple, cat-and-pizza, rocket. */
export function copySample(name: string, file: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  copyFileSync(path.join(SAMPLES, `${name}.png`), file);
}
