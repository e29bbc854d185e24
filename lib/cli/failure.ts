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
  'ERR_VOCABULARY_INVALID',
]);

/** An error as the lines of `--json` hold it. */
export interface FailureRecord {
  code: string;
  /** What was wrong. */
  message: string;
  /** What to do about it, where that is known. */
  hint?: string;
}

export function failureRecord(error: unknown): FailureRecord {
  if (!(error instanceof Error)) return { code: 'ERR_INTERNAL', message: String(error) };
  const { code, hint, message } = error as Error & { code?: unknown; hint?: string };
  const problem = hint && message.endsWith(`\n${hint}`) ? message.slice(0, -hint.length - 1) : message;
  return { code: typeof code === 'string' ? code : 'ERR_INTERNAL', message: problem, ...(hint && { hint }) };
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
  const { code, message, hint } = failureRecord(error);
  if (error instanceof UsageError) return `error: ${message}`;
  if (code === 'ERR_ABORTED') return 'interrupted';
  const [problem, ...details] = message.split('\n');
  return [`error: ${problem} (${code})`, ...details, ...(hint ? [hint] : [])].join('\n');
}
