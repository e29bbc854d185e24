/** A failure of the network, and whether it may pass. */
import { InterrogatorError } from '../errors';

interface Details {
  hint?: string | undefined;
  cause?: unknown;
  /** Whoever asks again may get another answer. */
  isPassing?: boolean;
  /** The server asks to be left alone for so long. */
  waitMs?: number | undefined;
}

export class NetworkError extends InterrogatorError {
  readonly isPassing: boolean;
  readonly waitMs: number | undefined;

  constructor(message: string, { hint, cause, isPassing = false, waitMs }: Details) {
    super('ERR_NETWORK', message, { cause, ...(hint !== undefined && { hint }) });
    this.isPassing = isPassing;
    this.waitMs = waitMs;
  }
}

/** Statuses that a busy or restarting server gives, not those of one that refuses, nor of a network that wants a sign-in (511). */
export function isPassingStatus(status: number): boolean {
  return (status >= 500 && status !== 511) || status === 429 || status === 408;
}

type Headers = Readonly<Record<string, string | undefined>>;

/** What `Retry-After` says, in milliseconds: it holds seconds or a date. */
export function retryAfter({ 'retry-after': after = '' }: Headers): number | undefined {
  if (/^\d+$/.test(after.trim())) return Number(after) * 1000;
  const date = Date.parse(after);
  return Number.isNaN(date) ? undefined : Math.max(date - Date.now(), 0);
}
