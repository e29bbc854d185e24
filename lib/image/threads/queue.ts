/**
 * The one queue before every decoder. A job has a place while its decoder runs, also when its caller has given up: neither
 * libuv's threads nor sharp can take a job back. Its pixels count from before they are decoded until they are released.
 */
import { availableParallelism } from 'node:os';
import { abandonable } from '../../abort';
import { Admission } from '../../admission';
import type { RgbImage } from '../failure';

/** An image in memory. Its pixels count as in flight until it is released, which whoever decodes must do. */
export interface DecodedImage extends RgbImage {
  /** Says that the pixels are not read any more. More calls of it do nothing. */
  release(): void;
  [Symbol.dispose](): void;
}

/** An image whose header was read. */
export interface DecodeJob extends Disposable {
  /** What the image takes in memory at most, in pixels of three bytes. */
  memory: number;
  decode(): Promise<RgbImage>;
}

/** Sharp's jobs run on libuv's threads, of which there are four by default. */
const PLACES = Math.min(4, availableParallelism());
/** So many images are opened ahead of the decoders, each in a thread. */
const READ_AHEAD = 1;
/** 288 MB of RGB: four images of 24 megapixels. */
const MOST_PIXELS = 96_000_000;

const reading = new Admission(READ_AHEAD);
const decoding = new Admission(PLACES);
const inFlight = new Admission(MOST_PIXELS);

/** What runs, what waits and how many pixels are in memory now, in this process. */
export function decodeStats(): { running: number; waiting: number; pixels: number } {
  const waiting = reading.waiting + decoding.waiting + inFlight.waiting;
  // Those who wait for pixels have a place already.
  return { running: decoding.taken - inFlight.waiting, waiting, pixels: inFlight.taken };
}

/** `open` reads the input and its header. An abort ends the caller's wait at once. */
export async function decodeInTurn(open: () => Promise<DecodeJob>, signal: AbortSignal | undefined): Promise<DecodedImage> {
  const endReading = await reading.enter(1, signal);
  const turn = wait(open, endReading, signal);
  // The image of a caller who has given up is released when it comes.
  return abandonable(turn, signal).catch((error: unknown) => {
    turn.then(
      (image) => image.release(),
      () => {},
    );
    throw error;
  });
}

async function wait(open: () => Promise<DecodeJob>, endReading: () => void, signal: AbortSignal | undefined): Promise<DecodedImage> {
  let endDecoding = (): void => {};
  let endJob = (): void => {};
  let job: DecodeJob | undefined;
  try {
    try {
      job = await open();
      endDecoding = await decoding.enter(1, signal);
      endJob = await inFlight.enter(job.memory, signal);
    } finally {
      endReading();
    }
    const image = await job.decode();
    // Decoded, it may take less than while it was being decoded.
    const release = countPixels(image);
    return { ...image, release, [Symbol.dispose]: release };
  } finally {
    job?.[Symbol.dispose]();
    endJob();
    endDecoding();
  }
}

/** Counts pixels that are in memory already, until what it returns is called. */
export function countPixels({ width, height }: { width: number; height: number }): () => void {
  return inFlight.hold(width * height);
}
