/** Errors as OpenAI's clients read them. */
import { Type } from '@sinclair/typebox';
import type { Refusal } from '../../answers/refusal';
import { type Dialect, said } from '../dialect';

export const OPENAI: Dialect = {
  system: 'OpenAI',
  error: Type.Object(
    {
      error: Type.Object({
        message: Type.String(),
        type: Type.String(),
        param: Type.Null(),
        code: Type.String(),
      }),
      detail: Type.Optional(Type.String({ description: "The message once more: what Jina's and Infinity's clients read." })),
    },
    { title: 'OpenAiError' },
  ),
  errorOf: (refusal) => ({ ...openAiError(refusal), detail: said(refusal) }),
};

export function openAiError(refusal: Refusal) {
  return { error: { message: said(refusal), type: typeOf(refusal.status), param: null, code: codeOf(refusal) } };
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

/** Theirs where programs look for them; else ours. */
function codeOf({ status, code }: Refusal): string {
  if (code === 'ERR_MODEL_UNKNOWN') return 'model_not_found';
  if (code === 'ERR_KEY') return 'invalid_api_key';
  return status === 429 ? 'rate_limit_exceeded' : code;
}
