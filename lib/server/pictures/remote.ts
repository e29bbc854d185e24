/** Pictures of URLs that clients name, where the server allows them. */
import { isIP } from 'node:net';
import type { Dispatcher } from 'undici';
import { AbortError } from '../../index';
import { Refusal } from '../answers/refusal';
import { isPublicAddress, lookupOf, refuseAddress } from './public-address';
import type { Spool, SpoolWriter } from './spool';

export interface FetchOptions {
  maxBytes: number;
  signal: AbortSignal;
}

const MOST_REDIRECTS = 3;
const TIMEOUT_MS = 20_000;

export class PictureFetcher {
  private agent: Dispatcher | undefined;

  /** Which addresses may be connected to. */
  constructor(private readonly isAllowed: (address: string) => boolean = isPublicAddress) {}

  /**
   * Downloads a picture. No proxy is used, and no credentials are sent; each redirect is checked as the first address is. Rejects with 403
   * for an address that is not public, 413 for too many bytes, 422 where the picture cannot be had, and an AbortError.
   */
  async fetch(address: string, spool: Spool, { maxBytes, signal }: FetchOptions): Promise<SpoolWriter> {
    const { Agent, request } = require('undici') as typeof import('undici');
    const limits = { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS };
    this.agent ??= new Agent({ connect: { lookup: lookupOf(this.isAllowed), timeout: 5000 }, ...limits });
    const limited = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    try {
      let url = this.checked(address);
      for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
        const { statusCode, headers, body } = await request(url, {
          dispatcher: this.agent,
          signal: limited,
          headers: { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': 'torch-interrogator' },
        });
        body.on('error', () => {});
        if (statusCode === 200) return await spool.collect(body, maxBytes);
        body.destroy();
        if (statusCode < 300 || statusCode >= 400 || typeof headers.location !== 'string') {
          throw unfetched(`its server answered ${statusCode}`);
        }
        url = this.checked(headers.location, url);
      }
      throw unfetched(`it redirects more than ${MOST_REDIRECTS} times`);
    } catch (error) {
      if (signal.aborted) throw new AbortError(signal.reason);
      throw toRefusal(error);
    }
  }

  async close(): Promise<void> {
    await this.agent?.destroy();
  }

  /** Throws where the URL is none that may be fetched. Names are looked up, and checked, when they are connected to. */
  private checked(address: string, base?: URL): URL {
    let url: URL;
    try {
      url = new URL(address, base);
    } catch {
      throw unfetched('it is no URL');
    }
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw unfetched(`${url.protocol} URLs are not fetched`);
    if (url.username || url.password) throw unfetched('URLs with a password are not fetched');
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) && !this.isAllowed(host)) throw refuseAddress(host);
    return url;
  }
}

function unfetched(reason: string): Refusal {
  return new Refusal(422, 'ERR_IMAGE_URL', `The picture cannot be fetched: ${reason}.`, {
    hint: 'Download it yourself, and send its bytes.',
  });
}

function toRefusal(error: unknown): Refusal {
  for (let cause = error; typeof cause === 'object' && cause !== null; cause = (cause as Error).cause) {
    if (cause instanceof Refusal) return cause;
  }
  const { name, code, message } = error as Error & { code?: string };
  return unfetched(name === 'TimeoutError' ? `it took longer than ${TIMEOUT_MS / 1000} s` : (code ?? message).toLowerCase());
}
