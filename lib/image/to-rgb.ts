import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RgbImage } from './failure';

// About 10 ms of work between two turns of the event loop.
const PIXELS_PER_TURN = 1 << 20;

/** Fills an RGB image pixel by pixel without holding up the event loop. `write` puts three bytes at `to`. */
export async function toRgb(width: number, height: number, write: (pixel: number, rgb: Uint8Array, to: number) => void): Promise<RgbImage> {
  const pixels = width * height;
  const data = new Uint8Array(pixels * 3);
  for (let start = 0; start < pixels; start += PIXELS_PER_TURN) {
    if (start > 0) await nextTurn();
    const end = Math.min(pixels, start + PIXELS_PER_TURN);
    for (let pixel = start; pixel < end; pixel++) write(pixel, data, pixel * 3);
  }
  return { data, width, height };
}
