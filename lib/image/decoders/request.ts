import { DecodeFailure } from '../failure';
import type { FormatName } from '../formats';

/** Red, green and blue, 0 to 255 each. */
export type Color = { r: number; g: number; b: number };

/** What a decoder is asked for. */
export interface DecodeRequest {
  format: FormatName;
  /** The whole file. The memory is ours: no caller reads or writes it. */
  bytes: Uint8Array;
  /** By the file's header, before the image is turned. An image of another size is refused. */
  width: number;
  height: number;
  /** Turns the image upright, by TIFF's tag 274; 1 and what is no orientation leave it as it is. */
  orientation?: number | undefined;
  /** What alpha is composed over; alpha is dropped without it. */
  background?: Color | undefined;
  /** Where the file ends too early, the pixels that are missing are black. */
  isLenient: boolean;
}

/** Throws a DecodeFailure for pixels of another size than was asked for. */
export function requireSize(found: { width: number; height: number }, { width, height }: DecodeRequest): void {
  if (found.width === width && found.height === height) return;
  throw new DecodeFailure('corrupt', `its header says ${width} × ${height} pixels, its content ${found.width} × ${found.height}`);
}
