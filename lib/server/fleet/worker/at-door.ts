/** What a worker fetches at a door, and brings there. */
import { hostname } from 'node:os';
import type { Dispatcher } from 'undici';
import { pause } from '../../../abort';
import { AbortError } from '../../../index';
import { Refusal } from '../../answers/refusal';
import { MOST_ANSWER } from '../wire';

/** Without a word of the door. */
const SILENCE_MS = 20_000;
const CONNECT_MS = 5000;
/** Milliseconds before each other try. */
const PAUSES = [100, 500];

type Body = Dispatcher.ResponseData['body'];

export class AtDoor {
  private agent: Dispatcher | undefined;

  /** What lies at an address, as `read` takes it. Rejects with 502 where the door cannot be reached, and with AbortError. */
  fetch<T>(url: string, signal: AbortSignal, read: (body: Body) => Promise<T>): Promise<T> {
    return this.ask(url, signal, { method: 'GET' }, read);
  }

  /** Brings a text to an address. Rejects as fetch() does, and with 500 and 503 where the door takes no text of that size, or none now. */
  async bring(url: string, text: string, signal: AbortSignal): Promise<void> {
    if (Buffer.byteLength(text) > MOST_ANSWER) throw tooLarge();
    await this.ask(url, signal, { method: 'PUT', body: text, headers: { 'content-type': 'application/octet-stream' } }, (body) =>
      body.dump(),
    );
  }

  async close(): Promise<void> {
    await this.agent?.destroy();
  }

  private async ask<T>(
    url: string,
    signal: AbortSignal,
    options: Pick<Dispatcher.RequestOptions, 'method' | 'body' | 'headers'>,
    read: (body: Body) => Promise<T>,
  ): Promise<T> {
    const { Agent, request } = require('undici') as typeof import('undici');
    this.agent ??= new Agent({ connect: { timeout: CONNECT_MS }, headersTimeout: SILENCE_MS, bodyTimeout: SILENCE_MS });
    for (let tries = 0; ; tries += 1) {
      try {
        const { statusCode, body } = await request(url, { ...options, dispatcher: this.agent, signal });
        body.on('error', () => {});
        if (statusCode < 300) return await read(body);
        await body.dump();
        // What the door answers where the request has ended.
        if (statusCode === 404) throw new Refusal(499, 'ERR_CLIENT_GONE', 'The request has ended at the door.');
        if (statusCode === 507) throw full();
        if (statusCode === 413) throw tooLarge();
        throw new Error(`it answers ${statusCode}`);
      } catch (error) {
        if (signal.aborted) throw new AbortError(signal.reason);
        const isLast = tries === PAUSES.length;
        if (error instanceof Refusal && (isLast || error.retryAfter === undefined)) throw error;
        if (isLast) throw unreached(url, error as Error);
        await pause(PAUSES[tries] as number, signal);
      }
    }
  }
}

function unreached(url: string, error: Error & { code?: string }): Refusal {
  const what = error.code ?? error.message;
  return new Refusal(502, 'ERR_NETWORK', `The worker on ${hostname()} cannot reach the server at ${new URL(url).origin}: ${what}.`, {
    hint: 'Start the server with --advertise and a URL by which its workers reach it.',
    cause: error,
  });
}

function tooLarge(): Refusal {
  return new Refusal(500, 'ERR_RUNTIME', `The answer is larger than the ${MOST_ANSWER >> 20} MiB that a server takes of a worker.`, {
    hint: 'Ask for less at a time: fewer texts, pictures or labels.',
  });
}

function full(): Refusal {
  return new Refusal(503, 'ERR_BUSY', 'The server has no room for more answers of its workers now.', { retryAfter: 1 });
}
