/** Whatever failed, as a refusal: the library's errors, the framework's, and those that are nobody's. */
import type { FastifyError } from 'fastify';
import { type ErrorCode, InterrogatorError } from '../../index';
import { NO_NUL } from '../contract/common';
import { Refusal, type ServerCode } from './refusal';

/** By the library's codes. What is not here is the server's own fault: 500. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  ERR_CONFIG: 400,
  ERR_INVALID_ARGUMENT: 400,
  ERR_IMAGE_NOT_FOUND: 422,
  ERR_IMAGE_EMPTY: 422,
  ERR_IMAGE_FORMAT: 422,
  ERR_IMAGE_TRUNCATED: 422,
  ERR_IMAGE_CORRUPT: 422,
  ERR_IMAGE_SIZE: 422,
  ERR_MODEL_UNKNOWN: 404,
  ERR_BUNDLE_NOT_FOUND: 404,
  ERR_BUNDLE_KIND: 404,
  ERR_WEIGHTS_NOT_FOUND: 404,
  ERR_VOCABULARY_NOT_FOUND: 404,
  ERR_CAPTION_MODEL_MISSING: 404,
  ERR_RUN_NOT_FOUND: 404,
  ERR_BUSY: 429,
  ERR_ABORTED: 503,
  ERR_DISPOSED: 503,
  ERR_OUT_OF_MEMORY: 503,
  // Weights that a request wants fetched cannot be now.
  ERR_NETWORK: 503,
  ERR_REDIS: 503,
};

/** By the framework's codes. */
const FRAMEWORK: Record<string, [status: number, code: ServerCode, detail: string, hint?: string]> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'ERR_BODY_SIZE', 'The body is larger than this server takes.'],
  FST_REQ_FILE_TOO_LARGE: [413, 'ERR_BODY_SIZE', 'A file of the body is larger than this server takes.'],
  FST_PARTS_LIMIT: [413, 'ERR_BODY_SIZE', 'The body has more parts than this server takes.'],
  FST_FILES_LIMIT: [413, 'ERR_BODY_SIZE', 'The body has more files than this server takes.'],
  FST_FIELDS_LIMIT: [413, 'ERR_BODY_SIZE', 'The body has more fields than this server takes.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    415,
    'ERR_BODY_TYPE',
    'Bodies of this type are not read here.',
    'Set Content-Type: application/json; where pictures are taken multipart/form-data or image/*, too; for lists of labels text/plain.',
  ],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'ERR_BODY_INVALID', 'The body is empty.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'ERR_BODY_INVALID', 'The body is not as long as Content-Length says.'],
};

/** Where large bodies lie is nobody's business: see pictures/spool.ts. */
const SPOOLED = /\S*torch-interrogator-serve-[^\s:,]*/g;

/** Seconds. Of what passes by itself, where nothing better is known. */
const RETRY_SECONDS = 1;

/** Of a field that is not known: those that are. */
function hintOf(fault: unknown, isUnknown: boolean): string {
  const { parentSchema } = (fault ?? {}) as { parentSchema?: { properties?: object } };
  const names = Object.keys(parentSchema?.properties ?? {});
  return isUnknown && names.length > 0 ? `It may have: ${names.join(', ')}.` : '/openapi.json says what is expected.';
}

export function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof InterrogatorError) {
    // What aborted it says more: the client has left, the server ends.
    if (error.code === 'ERR_ABORTED' && error.cause instanceof Refusal) return error.cause;
    const status = STATUS[error.code] ?? 500;
    const passes = status === 429 || status === 503;
    return new Refusal(status, error.code, error.problem.replace(SPOOLED, 'the picture'), {
      hint: error.hint,
      cause: error,
      ...(passes && { retryAfter: RETRY_SECONDS }),
    });
  }
  const { code = '', statusCode = 500, message, validation, validationContext } = error as FastifyError;
  if (validation) {
    const [first] = validation;
    const field = first?.instancePath.slice(1).replaceAll('/', '.');
    const where = validationContext ?? 'body';
    // What is longer than any text may be was taken out of the body before: see bodies/long-strings.ts.
    const isLong = first?.params.pattern === NO_NUL;
    const reason = isLong ? 'is a text that is too long, or has NUL in it' : (first?.message ?? 'is not valid');
    const fault = `${field ? `${where}.${field}` : `The ${where}`} ${reason}`;
    const extra = typeof first?.params.additionalProperty === 'string' ? `: ${first.params.additionalProperty.slice(0, 100)}` : '';
    return new Refusal(400, 'ERR_BODY_INVALID', `${fault}${extra}.`, { hint: hintOf(first, extra !== ''), cause: error });
  }
  const known = FRAMEWORK[code];
  if (known) return new Refusal(known[0], known[1], known[2], { cause: error, ...(known[3] !== undefined && { hint: known[3] }) });
  if (code === 'ECONNRESET' || message === 'aborted') return new Refusal(499, 'ERR_CLIENT_GONE', 'The client has left.', { cause: error });
  if (statusCode === 429)
    return new Refusal(429, 'ERR_RATE', message, {
      retryAfter: (error as { retryAfter?: number }).retryAfter ?? RETRY_SECONDS,
      cause: error,
    });
  if (statusCode === 503) return new Refusal(503, 'ERR_NOT_READY', message, { retryAfter: RETRY_SECONDS, cause: error });
  if (statusCode >= 400 && statusCode < 500) return new Refusal(statusCode, 'ERR_BODY_INVALID', message, { cause: error });
  return new Refusal(500, 'ERR_RUNTIME', 'The server failed.', { hint: "Its log says how, beside this request's id.", cause: error });
}
