/** IEEE 754 binary16, in which image features are kept. */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The bits of the nearest float16, ties to even. Beyond its range: infinity. */
export function toFloat16(value: number): number {
  float[0] = value;
  const from = bits[0] as number;
  const sign = (from >>> 16) & 0x8000;
  const magnitude = from & 0x7fff_ffff;
  if (magnitude >= 0x4780_0000) return sign | (magnitude > 0x7f80_0000 ? 0x7e00 : 0x7c00);
  // Below the smallest normal number all have the same unit in the last place, 2^-24.
  if (magnitude < 0x3880_0000) return sign | roundHalfToEven(Math.abs(float[0] as number) * 2 ** 24);
  // 13 bits fewer of fraction; a carry goes into the exponent, as it should.
  const kept = (magnitude - 0x3800_0000) >>> 13;
  const rest = magnitude & 0x1fff;
  return sign | (kept + Number(rest > 0x1000 || (rest === 0x1000 && kept % 2 === 1)));
}

/** The number whose float16 bits these are. */
export function fromFloat16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
