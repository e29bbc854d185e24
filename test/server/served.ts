/** A server of the sample pair that listens, and how tests ask it. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { Interrogator } from '../../lib';
import { createServer, type ServerOptions } from '../../lib/server';

export const IMAGES = path.join(__dirname, '..', '..', 'models', 'sample', 'images');
export const APPLE = readFileSync(path.join(IMAGES, 'apple.png'));
export const ROCKET = readFileSync(path.join(IMAGES, 'rocket.png'));

export interface Served {
  app: FastifyInstance;
  /** Without a slash at its end. */
  url: string;
  post(route: string, body: unknown, init?: RequestInit): Promise<Answer>;
  get(route: string, init?: RequestInit): Promise<Answer>;
  close(): Promise<void>;
}

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field.
  body: any;
}

export async function served(options: ServerOptions = {}): Promise<Served> {
  const app = createServer({
    clip: ['sample'],
    caption: ['sample'],
    logger: false,
    tables: mkdtempSync(path.join(tmpdir(), 'tables-')),
    ...options,
    config: { cachePath: null, ...options.config },
  });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  await app.interrogator.started;
  await app.interrogator.warming;
  const get = (route: string, init: RequestInit = {}): Promise<Answer> => ask(url + route, init);
  return {
    app,
    url,
    get,
    post: (route, body, init = {}) =>
      get(route, {
        method: 'POST',
        ...init,
        ...(body instanceof FormData || body instanceof Uint8Array
          ? { body: body as NonNullable<RequestInit['body']> }
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...init.headers } }),
      }),
    close: () => app.close(),
  };
}

async function ask(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** A server and the library on the same models, for all tests of a file, which takes them when they are there. */
export function servedBesideLibrary(take: (both: { server: Served; interrogator: Interrogator }) => void): void {
  let end = async (): Promise<void> => {};
  beforeAll(async () => {
    const server = await served();
    const interrogator = await Interrogator.create({ clipModelName: 'sample', captionModelName: 'sample', cachePath: null, quiet: true });
    end = async () => {
      await server.close();
      await interrogator.dispose();
    };
    take({ server, interrogator });
  });
  afterAll(() => end());
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

/** The events of a stream's text. */
export function eventsOf(text: string): { event: string; data: Record<string, unknown> }[] {
  return text
    .split('\n\n')
    .filter((part) => part.startsWith('event: '))
    .map((part) => {
      const [, event = '', data = ''] = /^event: (.*)\ndata: (.*)$/.exec(part) ?? [];
      return { event, data: JSON.parse(data) as Record<string, unknown> };
    });
}
