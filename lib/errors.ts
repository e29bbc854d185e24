/** Every failure of the package, by the layer that finds it. Codes are stable; messages are not. */
export const ERROR_CODES = [
  // The caller
  'ERR_CONFIG',
  'ERR_INVALID_ARGUMENT',
  'ERR_ABORTED',
  'ERR_DISPOSED',
  'ERR_BUSY',
  // Images
  'ERR_IMAGE_NOT_FOUND',
  'ERR_IMAGE_EMPTY',
  'ERR_IMAGE_FORMAT',
  'ERR_IMAGE_TRUNCATED',
  'ERR_IMAGE_CORRUPT',
  'ERR_IMAGE_SIZE',
  // Models and texts
  'ERR_MODEL_UNKNOWN',
  'ERR_BUNDLE_NOT_FOUND',
  'ERR_BUNDLE_INVALID',
  'ERR_BUNDLE_VERSION',
  'ERR_BUNDLE_KIND',
  'ERR_BUNDLE_INCOMPLETE',
  'ERR_BUNDLE_DAMAGED',
  'ERR_WEIGHTS_NOT_FOUND',
  'ERR_WEIGHTS_INVALID',
  'ERR_LABELS_DAMAGED',
  'ERR_LABELS_MISMATCH',
  'ERR_VOCABULARY_NOT_FOUND',
  'ERR_VOCABULARY_INVALID',
  'ERR_TOKENIZER',
  'ERR_CAPTION_MODEL_MISSING',
  // Fleets
  'ERR_REDIS',
  'ERR_RUN_NOT_FOUND',
  'ERR_RUN_MISMATCH',
  // Machine
  'ERR_DEVICE',
  'ERR_OUT_OF_MEMORY',
  'ERR_IO',
  'ERR_NETWORK',
  'ERR_RUNTIME',
  'ERR_LIBTORCH_NOT_FOUND',
  'ERR_LIBTORCH_VERSION',
  'ERR_LIBTORCH_ABI',
  'ERR_LIBTORCH_CUDA',
  'ERR_ADDON_NOT_FOUND',
  'ERR_ADDON_LOAD',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** What to do, for codes of which every message leaves the same to do. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  ERR_BUSY: 'Wait for some of the running calls before sending more, or raise maxQueue in the config.',
  ERR_OUT_OF_MEMORY: 'Use Config.lowVram(), a smaller model, or lower maxBatch in the config.',
  ERR_BUNDLE_DAMAGED: 'Export the bundle again, or copy it again from where it came.',
  ERR_BUNDLE_INCOMPLETE: 'Export the bundle again, or copy it again from where it came.',
  ERR_BUNDLE_VERSION: 'Update torch-interrogator, or export the bundle with this version.',
};

/** Messages may hold a caller's texts. */
const LONGEST_PART = 4000;

function cut(part: string): string {
  return part.length > LONGEST_PART ? `${part.slice(0, LONGEST_PART)}…` : part;
}

/** What every call of this package rejects or throws with: a stable `code`, what was wrong, and where known what to do. */
export class InterrogatorError extends Error {
  readonly code: ErrorCode;
  /** What to do about it; also the end of `message`. */
  readonly hint?: string;

  /** `hint`: what the reader can do about it, as a sentence. */
  constructor(code: ErrorCode, message: string, { hint = HINTS[code], cause }: { hint?: string; cause?: unknown } = {}) {
    super(hint ? `${cut(message)}\n${cut(hint)}` : cut(message), cause === undefined ? undefined : { cause });
    this.name = 'InterrogatorError';
    this.code = code;
    if (hint !== undefined) this.hint = cut(hint);
  }

  /** What was wrong: `message` without its hint. */
  get problem(): string {
    return this.hint ? this.message.slice(0, -this.hint.length - 1) : this.message;
  }
}

/** The call's `AbortSignal` fired. `cause` is the signal's reason. */
export class AbortError extends InterrogatorError {
  constructor(reason?: unknown) {
    super('ERR_ABORTED', 'The operation was aborted', { cause: reason });
    this.name = 'AbortError';
  }
}

/** The signal has fired: the AbortError that says so, to throw. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AbortError(signal.reason);
}

export function hasCode(error: unknown, ...codes: ErrorCode[]): boolean {
  return codes.includes((error as { code?: ErrorCode } | null)?.code as ErrorCode);
}

/** Whatever was thrown, as this package's error: the addon's with their own codes, others (a listener's) as ERR_RUNTIME. */
export function toInterrogatorError(error: unknown): InterrogatorError {
  if (error instanceof InterrogatorError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  if (code === 'ERR_ABORTED') return new AbortError();
  if (hasCode(error, ...ERROR_CODES)) return new InterrogatorError(code as ErrorCode, (error as Error).message, { cause: error });
  // So V8 says it, with no code of its own.
  if (error instanceof RangeError && /allocation failed/i.test(error.message)) {
    return new InterrogatorError('ERR_OUT_OF_MEMORY', `The process ran out of memory: ${error.message}`, { cause: error });
  }
  return new InterrogatorError('ERR_RUNTIME', error instanceof Error ? error.message : String(error), { cause: error });
}
