/** Pictures for workers: small ones that all differ. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { withComment } from '../commented-jpeg.mjs';

const require = createRequire(import.meta.url);
/** Those whose pixels differ; the others differ in a comment, which makes them new ones for a run. */
const DIFFERENT = 100;

export async function makePictures(folder, count) {
  const sharp = require('sharp');
  mkdirSync(folder, { recursive: true });
  const originals = [];
  for (let i = 0; i < Math.min(DIFFERENT, count); i += 1) {
    const noise = { type: 'gaussian', mean: 60 + i, sigma: 60 };
    const small = await sharp({ create: { width: 64, height: 48, channels: 3, noise } })
      .png()
      .toBuffer();
    originals.push(await sharp(small).resize(256, 192).jpeg({ quality: 90 }).toBuffer());
  }
  for (let i = 0; i < count; i += 1)
    writeFileSync(path.join(folder, `${i}.jpg`), withComment(originals[i % originals.length], `picture ${i}`));
}
