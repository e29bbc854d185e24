/** A request that is not served: its status, its code, and what to do. Each dialect writes it in its own shape. */
import type { ErrorCode } from '../../index';

/** Codes of the server alone; those of the library (docs/errors.md) come on top. */
export const SERVER_CODES = [
  'ERR_BODY_INVALID',
  'ERR_BODY_SIZE',
  'ERR_BODY_TYPE',
  'ERR_CLIENT_GONE',
  'ERR_CONFLICT',
  'ERR_FORBIDDEN',
  'ERR_IMAGE_ENCODING',
  'ERR_IMAGE_URL',
  'ERR_KEY',
  'ERR_METHOD',
  'ERR_NOT_FOUND',
  'ERR_NOT_READY',
  'ERR_PICTURE_FORGOTTEN',
  'ERR_RATE',
  'ERR_TABLE_UNKNOWN',
] as const;

export type ServerCode = (typeof SERVER_CODES)[number];

export interface RefusalOptions {
  /** What the reader can do about it, as a sentence. */
  hint?: string | undefined;
  /** Seconds after which another try may succeed. */
  retryAfter?: number | undefined;
  cause?: unknown;
}

export class Refusal extends Error {
  readonly hint: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(
    readonly status: number,
    readonly code: ErrorCode | ServerCode,
    message: string,
    { hint, retryAfter, cause }: RefusalOptions = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Refusal';
    this.hint = hint;
    this.retryAfter = retryAfter;
  }
}

/** What a request asks for is not there. */
export function notFound(what: string, hint?: string): Refusal {
  return new Refusal(404, 'ERR_NOT_FOUND', what, { hint });
}

export function badRequest(what: string, hint?: string): Refusal {
  return new Refusal(400, 'ERR_BODY_INVALID', what, { hint });
}
