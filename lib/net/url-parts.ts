/** The bytes behind a URL, as they arrive. */
import type { Answer } from './http';
import { NetworkError } from './network-error';
import { shownUrl } from './shown-url';

/**
 * Downloads whatever is behind an http or https URL, however long it is. Whoever reads it may take their time; the server may be silent for
 * 30 seconds. Leaving the loop ends the transfer. Throws ERR_NETWORK, also where it breaks off, ERR_INVALID_ARGUMENT for other schemes, or
 * ERR_ABORTED.
 */
export async function* urlParts(url: string, { signal }: { signal?: AbortSignal | undefined } = {}): AsyncGenerator<Buffer> {
  // The client is loaded when it is needed.
  const { request } = require('./http') as typeof import('./http');
  const answer = await request(url, { signal });
  refuseFailure(url, answer);
  yield* answer.body(Number.POSITIVE_INFINITY);
}

/** Throws ERR_NETWORK, and gives up the body, for an answer that is not what was asked for. */
export function refuseFailure(url: string, answer: Answer): void {
  if (answer.status === 200) return;
  answer.discard();
  throw new NetworkError(`Cannot download ${shownUrl(url)}: the server answered ${answer.statusText}`, {
    hint: 'Check the address in a browser.',
  });
}
