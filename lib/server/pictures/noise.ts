/** A picture of noise, as a BMP file: for what must be tried before the first picture comes. */

const SIDE = 256;
const HEAD = 54;

export function noisePicture(): Buffer {
  const file = Buffer.alloc(HEAD + SIDE * SIDE * 3);
  file.write('BM', 0, 'latin1');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(HEAD, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(SIDE, 18);
  file.writeInt32LE(SIDE, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  // Numerical Recipes' generator: any noise will do.
  for (let at = HEAD, state = 1; at < file.length; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    file[at] = state >>> 24;
  }
  return file;
}
