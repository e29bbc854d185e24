/** What one file of this folder tells about its format: how to know it, and what its header says. */
import { DecodeFailure } from '../failure';

export type FormatName = 'jpeg' | 'png' | 'webp' | 'gif' | 'bmp' | 'tiff' | 'avif';

export interface ImageHeader {
  width: number;
  height: number;
  /** Whether bytes that the format promises are not there. That may take a walk through the whole file. */
  isTruncated(): boolean;
  /** How the image lies in the file, by TIFF's tag 274 (1 to 8); undefined where the file does not tell. */
  orientation?: number | undefined;
}

export interface ImageFormat {
  name: FormatName;
  /** As people write it. */
  label: string;
  /** Suffixes of file names, with their dots, in lower case. */
  suffixes: readonly string[];
  /** By the first bytes of the file alone. */
  matches(bytes: Buffer): boolean;
  /**
   * The size that a decoder will allocate. Throws a DecodeFailure where the header is cut off, makes no sense or contradicts itself.
   * Its work is bounded by a `WorkLimit`, whatever the bytes are: nothing can end it.
   */
  readHeader(bytes: Buffer): ImageHeader;
  /**
   * Changes the file's bytes where a decoder would do with them what Pillow does not. Throws a DecodeFailure for what would keep a
   * decoder busy for hours, and, unless `isLenient`, for missing bytes that no decoder would miss.
   */
  prepare?(bytes: Buffer, isLenient: boolean): void;
}

/** Steps of a few nanoseconds that a header may take: all of them stay below 10 ms, and sound files need a hundredth. */
const MOST_STEPS = 1 << 19;

/** Counts the steps of a walk through a file and ends it where a file is made to keep it going. */
export class WorkLimit {
  constructor(private left = MOST_STEPS) {}

  spend(steps: number): void {
    this.left -= steps;
    if (this.left < 0) throw new DecodeFailure('corrupt', 'its header is longer than that of any sound image');
  }
}

export function truncated(what: string): DecodeFailure {
  return new DecodeFailure('truncated', what);
}

export function corrupt(what: string): DecodeFailure {
  return new DecodeFailure('corrupt', what);
}

/** Whether the walk ends before the file's promised end. */
export function endsEarly(walk: () => void): boolean {
  try {
    walk();
    return false;
  } catch (error) {
    return error instanceof DecodeFailure && error.kind === 'truncated';
  }
}
