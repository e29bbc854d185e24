/** The eight ways in which an image may lie in its file, by TIFF's tag 274. */
import type { RgbImage } from './failure';
import { toRgb } from './to-rgb';

/** `swapsSides`: rows of the file are columns of the image. The flips are those of the file's own axes. */
interface Orientation {
  swapsSides: boolean;
  flipsX: boolean;
  flipsY: boolean;
}

const ORIENTATIONS: Readonly<Record<number, Orientation>> = {
  2: { swapsSides: false, flipsX: true, flipsY: false },
  3: { swapsSides: false, flipsX: true, flipsY: true },
  4: { swapsSides: false, flipsX: false, flipsY: true },
  5: { swapsSides: true, flipsX: false, flipsY: false },
  6: { swapsSides: true, flipsX: false, flipsY: true },
  7: { swapsSides: true, flipsX: true, flipsY: true },
  8: { swapsSides: true, flipsX: true, flipsY: false },
};

/** The image turned upright; as it is for 1, undefined and numbers that mean nothing. */
export async function upright(image: RgbImage, orientation: number | undefined): Promise<RgbImage> {
  const how = ORIENTATIONS[orientation ?? 1];
  if (!how) return image;
  const { data, width, height } = image;
  const outWidth = how.swapsSides ? height : width;
  return toRgb(outWidth, how.swapsSides ? width : height, (pixel, rgb, to) => {
    const column = pixel % outWidth;
    const row = (pixel - column) / outWidth;
    const x = how.swapsSides ? row : column;
    const y = how.swapsSides ? column : row;
    const from = 3 * ((how.flipsY ? height - 1 - y : y) * width + (how.flipsX ? width - 1 - x : x));
    for (let channel = 0; channel < 3; channel++) rgb[to + channel] = data[from + channel] as number;
  });
}
