/** Images for tests, made from a seed. */

export interface RawImage {
  data: Uint8Array;
  width: number;
  height: number;
  channels: 3;
}

/** Soft blobs of colour: what one seed gives looks unlike what another gives. */
export function testImage(seed: number, width = 48, height = 40): RawImage {
  const data = new Uint8Array(width * height * 3);
  const random = mulberry32(seed);
  const waves = Array.from({ length: 9 }, () => [random() * 0.4, random() * 0.4, random() * 6.3] as const);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (let channel = 0; channel < 3; channel += 1) {
        let sum = 0;
        for (const [a, b, phase] of waves.slice(channel * 3, channel * 3 + 3)) sum += Math.sin(a * x + b * y + phase);
        data[(y * width + x) * 3 + channel] = Math.round(127.5 + sum * 42);
      }
    }
  }
  return { data, width, height, channels: 3 };
}

/** Tommy Ettinger's small generator of uniform numbers in [0, 1), the same for the same seed. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
