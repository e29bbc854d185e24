import { InterrogatorError } from '../errors';
import { counted } from './counted';
import { request } from './http';
import { shownUrl } from './shown-url';
import { refuseFailure } from './url-parts';

export interface DownloadOptions {
  signal?: AbortSignal | undefined;
  /** Longer answers are refused. Default 64 MiB. */
  maxBytes?: number;
  /** For the whole transfer, without the time that its reader takes, in milliseconds. Default 30,000. */
  timeoutMs?: number;
}

/**
 * Downloads an image's bytes over http or https, as they arrive. Whoever reads them may take their time. Throws `ERR_NETWORK` (the
 * message holds the status, where there was one), `ERR_IMAGE_SIZE` for more than `maxBytes`, `ERR_INVALID_ARGUMENT` for other schemes, or
 * `ERR_ABORTED`.
 */
export async function* imageParts(url: string, options: DownloadOptions = {}): AsyncGenerator<Buffer> {
  const { signal, maxBytes = 64 << 20, timeoutMs = 30_000 } = options;
  const answer = await request(url, { signal, totalMs: timeoutMs, idleMs: timeoutMs, headers: { accept: 'image/*' } });
  refuseFailure(url, answer);
  const tooLong = (bytes: string): InterrogatorError =>
    new InterrogatorError('ERR_IMAGE_SIZE', `${shownUrl(url)} is ${bytes}; at most ${maxBytes} bytes are downloaded`, {
      hint: 'Download the file by other means and give its path.',
    });
  if (answer.length !== undefined && answer.length > maxBytes) {
    answer.discard();
    throw tooLong(`${answer.length} bytes long`);
  }
  // Leaving the loop ends the transfer.
  yield* counted(answer.body(Number.POSITIVE_INFINITY), (length) => {
    if (length > maxBytes) throw tooLong('longer than that');
  });
}
