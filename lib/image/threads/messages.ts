/** What decode threads are told and what they answer. */
import { InterrogatorError } from '../../errors';
import type { Color } from '../decoders/request';
import type { SharpSettings } from '../decoders/sharp';
import type { RgbImage } from '../failure';

/** An encoded image, and how it is to be decoded. */
export interface OpenRequest {
  /** For messages. */
  name: string;
  /** The file's path, or all of its bytes in memory of their own, which the thread takes over. */
  file: string | Uint8Array;
  maxPixels: number;
  orientation: 'ignore' | 'exif';
  background: Color | undefined;
  truncated: 'error' | 'best-effort';
  /** sharp is to decode what it reads as Pillow does. */
  usesSharp: boolean;
  target: PixelTarget | undefined;
}

/** Where pixels go, if not to the caller. */
export interface PixelTarget {
  /** The addon's file. The process has loaded it. */
  addon: string;
  /** The number of a `NativeImage` that waits for its pixels. */
  number: number;
}

/**
 * A task is told when the one before was answered. There is no answer to `close`, which lets go of the image, and ends the reading of a
 * file.
 */
export type DecodeTask = 'load sharp' | { open: OpenRequest } | 'decode' | 'close';

/** `own`: from now on a decoder works that is ours, and ends with its thread alone. The reply comes after it. */
export type DecodeMessage = DecodeReply | 'own';

export interface OpenReply {
  /** As people write the format. */
  label: string;
  pixels: number;
  /** What the image takes in memory at most while it is decoded, in pixels of three bytes. */
  memory: number;
}

export type DecodeReply = { settings: SharpSettings | undefined } | OpenReply | RgbImage | { error: SentError };

/** An Error that is sent keeps neither its class nor its own fields. */
export type SentError = Pick<InterrogatorError, 'code' | 'message' | 'hint' | 'cause'> & { causeFields: object };

export function send({ code, problem, hint, cause }: InterrogatorError): SentError {
  const causeFields = cause instanceof Error ? { ...cause } : {};
  return { code, message: problem, ...(hint && { hint }), cause, causeFields };
}

export function receive({ code, message, hint, cause, causeFields }: SentError): InterrogatorError {
  return new InterrogatorError(code, message, { ...(hint && { hint }), cause: cause && Object.assign(cause, causeFields) });
}
