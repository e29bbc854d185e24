/** One request to the server: its address, the key, and errors as one kind. */
import { signal } from '@preact/signals';
import type { Problem } from '../../server/contract/common';
import { apiKey, keyIsDeclined, keyIsWanted } from './key';

/** How often a request got no answer: who shows the server's state looks again at once. */
export const lostCount = signal(0);

/** What went wrong with a request, whoever says so. */
export class RequestError extends Error {
  /** Stable: the server's `code`, or ERR_CONNECTION where no answer came. */
  readonly code: string;
  /** What to do about it, in the server's words. */
  readonly hint: string | undefined;
  /** 0 where no answer came. */
  readonly status: number;
  /** Seconds after which another try may succeed. */
  readonly retryAfter: number | undefined;

  constructor(problem: Partial<Problem> & { code: string }) {
    super(problem.detail ?? problem.title ?? problem.code);
    this.code = problem.code;
    this.hint = problem.hint;
    this.status = problem.status ?? 0;
    this.retryAfter = problem.retryAfter;
  }
}

export interface RequestOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** An object is sent as JSON, a form as multipart/form-data, a string as plain text. */
  body?: object | FormData | string;
  accept?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** The answer, whatever its body is; what is not 2xx is a RequestError. `path` is relative to the page, which may be mounted anywhere. */
export async function request(path: string, { method = 'GET', body, accept, headers, signal }: RequestOptions = {}): Promise<Response> {
  const sent = new Headers(headers);
  if (accept !== undefined) sent.set('accept', accept);
  if (apiKey.value) sent.set('authorization', `Bearer ${apiKey.value}`);
  const isJson = typeof body === 'object' && !(body instanceof FormData);
  if (isJson) sent.set('content-type', 'application/json');
  if (typeof body === 'string') sent.set('content-type', 'text/plain; charset=utf-8');
  const content = isJson ? JSON.stringify(body) : (body as FormData | string | undefined);
  let response: Response;
  try {
    response = await fetch(new URL(path, document.baseURI), { method, headers: sent, body: content, signal });
  } catch (cause) {
    throw lost(cause, signal);
  }
  if (response.ok) return response;
  if (response.status === 401 && !keyIsDeclined.peek()) keyIsWanted.value = true;
  throw new RequestError(await problemOf(response));
}

/** The answer's JSON. */
export async function requestJson<T>(path: string, options?: RequestOptions): Promise<T> {
  const response = await request(path, options);
  return read(() => response.json() as Promise<T>, options?.signal);
}

/** Reads a body; a connection that breaks meanwhile is a RequestError. */
export async function read<T>(take: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await take();
  } catch (cause) {
    throw lost(cause, signal);
  }
}

/** Any error as one that can be shown; null where somebody aborted on purpose. */
export function shownError(error: unknown): RequestError | null {
  if (error instanceof RequestError) return error;
  if (error instanceof DOMException && error.name === 'AbortError') return null;
  return new RequestError({ code: 'ERR_PAGE', detail: error instanceof Error ? error.message : String(error) });
}

function lost(cause: unknown, abort: AbortSignal | undefined): unknown {
  if (abort?.aborted) return new DOMException('Aborted', 'AbortError');
  if (cause instanceof RequestError) return cause;
  lostCount.value += 1;
  return new RequestError({ code: 'ERR_CONNECTION' });
}

async function problemOf(response: Response): Promise<Partial<Problem> & { code: string }> {
  const header = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retryAfter = Number.isFinite(header) ? header : undefined;
  const fallback = { code: `HTTP_${response.status}`, title: response.statusText, status: response.status, retryAfter };
  try {
    return { ...fallback, ...((await response.json()) as object) };
  } catch {
    return fallback;
  }
}
