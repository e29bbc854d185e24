/** JPEGs of many pixels, all different, with as much detail as photographs have. */

/** Encoded files. */
export async function largePictures(pixels, count) {
  const { default: sharp } = await import('sharp');
  const width = Math.round(Math.sqrt((pixels * 4) / 3));
  const height = Math.round(pixels / width);
  const small = { width: Math.round(width / 8), height: Math.round(height / 8), channels: 3 };
  return Promise.all(
    Array.from({ length: count }, async (_, seed) => {
      const noise = Buffer.alloc(small.width * small.height * 3);
      for (let at = 0, state = seed + 1; at < noise.length; at += 1) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        noise[at] = state >>> 24;
      }
      return sharp(noise, { raw: small }).resize(width, height, { kernel: 'cubic' }).jpeg({ quality: 90 }).toBuffer();
    }),
  );
}
