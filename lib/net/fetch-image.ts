import { AbortError, InterrogatorError, throwIfAborted } from '../errors';

export interface FetchImageOptions {
  signal?: AbortSignal;
  /** Longer answers are refused. Default 64 MiB. */
  maxBytes?: number;
  /** For the whole transfer, in milliseconds. Default 30,000. */
  timeoutMs?: number;
}

const MOST_REDIRECTS = 5;

/**
 * Downloads an image's bytes over http or https. Rejects with `ERR_NETWORK` (the message holds the status, where there was one),
 * `ERR_IMAGE_SIZE` for more than `maxBytes`, `ERR_INVALID_ARGUMENT` for other schemes, or `ERR_ABORTED`.
 */
export async function fetchImage(url: string, options: FetchImageOptions = {}): Promise<Buffer> {
  const { signal, maxBytes = 64 << 20, timeoutMs = 30_000 } = options;
  throwIfAborted(signal);
  const timeout = AbortSignal.timeout(timeoutMs);
  const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
  try {
    const response = await follow(parseUrl(url), either);
    return await readBody(url, response, maxBytes);
  } catch (cause) {
    if (cause instanceof InterrogatorError) throw cause;
    if (signal?.aborted) throw new AbortError(signal.reason);
    const reason = timeout.aborted ? `no complete answer within ${timeoutMs / 1000} s` : rootMessage(cause);
    throw new InterrogatorError('ERR_NETWORK', `Cannot download ${url}: ${reason}`, {
      hint: 'Check the address and the connection, or download the file yourself.',
      cause,
    });
  }
}

function parseUrl(url: string, base?: URL): URL {
  let parsed: URL;
  try {
    parsed = new URL(url, base);
  } catch (cause) {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${url} is not a URL`, { cause });
  }
  if (parsed.protocol === 'http:' || parsed.protocol === 'https:') return parsed;
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${url} is not an http or https URL`, {
    hint: 'Download the file by other means and give its path.',
  });
}

/** Redirects one by one, so that each target's scheme is looked at. */
async function follow(start: URL, signal: AbortSignal): Promise<Response> {
  let url = start;
  for (let redirects = 0; ; redirects++) {
    const response = await fetch(url, { signal, redirect: 'manual', headers: { accept: 'image/*' } });
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      if (redirects === MOST_REDIRECTS) {
        throw new InterrogatorError('ERR_NETWORK', `${start} redirects more than ${MOST_REDIRECTS} times`, {
          hint: "Give the image's own address.",
        });
      }
      url = parseUrl(location, url);
      continue;
    }
    if (!response.ok) {
      await response.body?.cancel();
      const status = `${response.status} ${response.statusText}`.trim();
      throw new InterrogatorError('ERR_NETWORK', `Cannot download ${start}: the server answered ${status}`, {
        hint: 'Check the address in a browser.',
      });
    }
    return response;
  }
}

async function readBody(url: string, response: Response, maxBytes: number): Promise<Buffer> {
  const tooLong = (bytes: string) =>
    new InterrogatorError('ERR_IMAGE_SIZE', `${url} is ${bytes}; at most ${maxBytes} bytes are downloaded`, {
      hint: 'Download the file by other means and give its path.',
    });
  const announced = Number(response.headers.get('content-length') ?? 0);
  if (announced > maxBytes) {
    await response.body?.cancel();
    throw tooLong(`${announced} bytes long`);
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  // Throwing out of the loop cancels the transfer.
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > maxBytes) throw tooLong('longer than that');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** fetch says "fetch failed"; what happened is in the innermost cause. */
function rootMessage(error: unknown): string {
  let innermost = error as { message?: string; code?: string; cause?: unknown };
  while (typeof innermost.cause === 'object' && innermost.cause !== null) innermost = innermost.cause;
  return innermost.message || innermost.code || String(innermost);
}
