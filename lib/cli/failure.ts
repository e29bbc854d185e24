/** How commands end when something is wrong: exit codes and what the user reads. */

/** 0 ok, 1 some inputs failed, 2 usage, 130 interrupted. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** A wrong command line that the argument parser cannot see by itself. */
export class UsageError extends Error {
  override name = 'UsageError';
}

const USAGE_CODES = new Set([
  'ERR_CONFIG',
  'ERR_INVALID_ARGUMENT',
  'ERR_MODEL_UNKNOWN',
  'ERR_BUNDLE_NOT_FOUND',
  'ERR_BUNDLE_KIND',
  'ERR_VOCABULARY_NOT_FOUND',
]);

export interface FailureRecord {
  code: string;
  message: string;
}

/** The part of an error that belongs on a line of JSON. */
export function failureRecord(error: unknown): FailureRecord {
  if (error instanceof Error) {
    const code = (error as { code?: unknown }).code;
    return { code: typeof code === 'string' ? code : 'ERR_INTERNAL', message: error.message };
  }
  return { code: 'ERR_INTERNAL', message: String(error) };
}

/** The exit code for an error that ended the whole command. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  const { code } = failureRecord(error);
  if (code === 'ERR_ABORTED') return EXIT.interrupted;
  return USAGE_CODES.has(code) ? EXIT.usage : EXIT.failed;
}

/** What was wrong with its code, then what to do; no stack. */
export function describeFailure(error: unknown): string {
  const { code, message } = failureRecord(error);
  if (error instanceof UsageError) return `error: ${message}`;
  const [problem, ...remedy] = message.split('\n');
  return [`error: ${problem} (${code})`, ...remedy].join('\n');
}
