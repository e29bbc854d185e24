/** How commands end when something is wrong: exit codes and what the user reads. */

import { type ErrorCode, InterrogatorError } from '../index';
import { asOptions } from './options';

/** 0 ok, 1 some inputs failed, 2 usage, 130 interrupted. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

const USAGE_CODES = new Set<ErrorCode>([
  'ERR_CONFIG',
  'ERR_INVALID_ARGUMENT',
  'ERR_MODEL_UNKNOWN',
  'ERR_BUNDLE_NOT_FOUND',
  'ERR_BUNDLE_KIND',
  'ERR_VOCABULARY_NOT_FOUND',
  'ERR_VOCABULARY_INVALID',
]);

/** An error as the lines of `--json` hold it: what was wrong, and what to do about it, where that is known. */
export function failureRecord(error: unknown): { code: ErrorCode; message: string; hint?: string } {
  if (error instanceof InterrogatorError) {
    const { code, hint, problem: message } = error;
    return hint ? { code, message, hint } : { code, message };
  }
  const { syscall, message }: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error));
  return { code: syscall ? 'ERR_IO' : 'ERR_RUNTIME', message };
}

/** The exit code for an error that ended the whole command. */
export function exitCodeOf(error: unknown): number {
  const { code } = failureRecord(error);
  if (code === 'ERR_ABORTED') return EXIT.interrupted;
  // What was not to be had over the network is no wrong usage, whatever it is missed as.
  const { code: reason } = ((error as Error).cause ?? {}) as { code?: ErrorCode };
  return USAGE_CODES.has(code) && reason !== 'ERR_NETWORK' ? EXIT.usage : EXIT.failed;
}

/** What was wrong with its code, then what to do, in the words of the command line; no stack. */
export function describeFailure(error: unknown): string {
  return describeRecord(failureRecord(error));
}

/** The same of an error as outputs hold it. */
export function describeRecord({ code, message, hint }: { code: string; message: string; hint?: string }): string {
  if (code === 'ERR_ABORTED') return 'interrupted';
  const [problem, ...details] = message.split('\n');
  return asOptions([`error: ${problem} (${code})`, ...details, ...(hint ? [hint] : [])].join('\n'));
}
