/** The one HTTP client: proxies from the environment, limits of time and size, redirects followed by hand, typed errors. */
import { readFileSync } from 'node:fs';
import { STATUS_CODES } from 'node:http';
import path from 'node:path';
import type { Dispatcher } from 'undici';
import { abandonable } from '../abort';
import { AbortError, InterrogatorError, throwIfAborted } from '../errors';
import { NetworkError } from './network-error';
import { proxyFor } from './proxy';
import { shownUrl } from './shown-url';

const CONNECT_MS = 10_000;
const MOST_REDIRECTS = 5;

/** How the network is reached, where that is not as the environment says. */
export interface Connection {
  /** A PEM file of certificates to trust in place of the usual ones. */
  certificates?: string | null | undefined;
  /** The proxy's URL, for every address. Default: as the environment says. */
  proxy?: string | undefined;
  /** Hosts whose certificates are not checked. Default: none. */
  isTrusted?: ((url: URL) => boolean) | undefined;
}

export interface RequestOptions extends Connection {
  /** Default GET. */
  method?: 'GET' | 'HEAD';
  signal?: AbortSignal | undefined;
  headers?: Record<string, string>;
  /** The header of that name: for the origin of the address, not for others that it redirects to. Default: name and password in the address. */
  authorization?: string | undefined;
  /** A redirect to another origin is not followed: it is the answer. */
  staysAtOrigin?: boolean;
  /** The longest wait for the answer's head, redirects included, and between two parts of its body. Default 30,000 milliseconds. */
  idleMs?: number;
  /** For all of it, the body too, but without the time that the body's reader takes. Default: no limit. */
  totalMs?: number;
  /** What to do about a failure. */
  hint?: string;
}

type Headers = Readonly<Record<string, string | undefined>>;

export interface Answer {
  /** The address that answered, after redirects, without name and password. */
  url: string;
  status: number;
  /** `404 Not Found`. */
  statusText: string;
  headers: Headers;
  /** The headers of the redirects that led here. */
  redirects: readonly Headers[];
  /** The body's length that the server announced, undefined where it did not. */
  length: number | undefined;
  /** Throws ERR_NETWORK as soon as it is longer than `most` bytes, and where it breaks off. To be read to its end, or left. */
  body(most: number): AsyncGenerator<Buffer>;
  /** Gives up the body. */
  discard(): void;
}

/**
 * Sends a GET, or a HEAD, and follows up to five redirects. Any status is an answer.
 * Rejects with ERR_NETWORK, with ERR_INVALID_ARGUMENT for what is no http or https URL, or with AbortError.
 */
export async function request(url: string, options: RequestOptions = {}): Promise<Answer> {
  const { method = 'GET', signal, idleMs = 30_000, totalMs } = options;
  throwIfAborted(signal);
  let target = httpUrl(url);
  let route: Route | undefined;
  const authorized = target.origin;
  const timeout = totalMs === undefined ? undefined : new TimeLimit(totalMs);
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), idleMs);
  const signals = [signal, timeout?.signal, silence.signal].filter((each) => each !== undefined);
  const failed = (cause: unknown): Error => {
    if (signal?.aborted) return new AbortError(signal.reason);
    // An AbortError that the caller's signal does not stand behind is one of the limits of time.
    if (cause instanceof InterrogatorError && !(cause instanceof AbortError)) return cause;
    const reason = silence.signal.aborted
      ? `no answer within ${idleMs / 1000} s`
      : timeout?.signal.aborted
        ? `no complete answer within ${(totalMs as number) / 1000} s`
        : rootMessage(cause);
    const isPassing = !isDistrust(cause);
    const advice = isPassing ? options.hint : DISTRUST_HINT;
    const proxy = options.proxy ?? proxyFor(target);
    if (proxy === undefined) return failure(url, reason, { hint: advice, cause, isPassing });
    const hint = `${advice ?? 'Check the address and the connection.'} Check the proxy too: http_proxy and https_proxy name it.`;
    return failure(url, `${reason}, through the proxy ${shownUrl(proxy)}`, { hint, cause, isPassing });
  };
  const passed: Headers[] = [];
  try {
    for (let redirects = 0; ; redirects += 1) {
      route = routeTo(target, options);
      const credentials = target.origin === authorized ? authorization(httpUrl(url), options) : {};
      const any = AbortSignal.any(signals);
      const asked = undici().request(target, {
        method,
        dispatcher: route.dispatcher,
        signal: any,
        headersTimeout: idleMs,
        bodyTimeout: idleMs,
        headers: { 'user-agent': userAgent(), 'accept-encoding': 'identity', ...options.headers, ...credentials },
      });
      // undici hears of the signal only once it is connected.
      const { statusCode, headers, body } = await abandonable(asked, any);
      const location = statusCode >= 300 && statusCode < 400 ? headers.location : undefined;
      const next = typeof location === 'string' ? httpUrl(location, target) : undefined;
      if (!next || (options.staysAtOrigin && next.origin !== authorized)) {
        body.once('close', route.leave);
        return { ...answer(url, target, { statusCode, headers, body }, options, failed, timeout), redirects: passed };
      }
      passed.push(plain(headers));
      // Not waited for: the connection is closed.
      body.on('error', () => {}).destroy();
      route.leave();
      if (redirects === MOST_REDIRECTS) throw failure(url, `it redirects more than ${MOST_REDIRECTS} times`, options);
      target = next;
    }
  } catch (cause) {
    route?.leave();
    throw failed(cause);
  } finally {
    clearTimeout(timer);
  }
}

function answer(
  url: string,
  answered: URL,
  { statusCode, headers, body }: Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'>,
  options: RequestOptions,
  failed: (cause: unknown) => Error,
  timeout: TimeLimit | undefined,
): Omit<Answer, 'redirects'> {
  const heads = plain(headers);
  const length = /^\d+$/.test(heads['content-length'] ?? '') ? Number(heads['content-length']) : undefined;
  // An abort while nobody reads is no uncaught error.
  body.on('error', () => {});
  return {
    url: Object.assign(new URL(answered), { username: '', password: '' }).href,
    status: statusCode,
    statusText: `${statusCode} ${STATUS_CODES[statusCode] ?? ''}`.trim(),
    headers: heads,
    length,
    async *body(most) {
      const encoding = heads['content-encoding'] ?? 'identity';
      let read = 0;
      try {
        if (encoding !== 'identity') throw failure(url, `it is sent in the encoding ${encoding}, which was not asked for`, options);
        for await (const part of body) {
          read += (part as Buffer).length;
          if (read > most) throw failure(url, `it is longer than ${most} bytes`, options);
          timeout?.pause();
          yield part as Buffer;
          timeout?.resume();
        }
      } catch (cause) {
        throw failed(cause);
      } finally {
        body.destroy();
      }
      if (length !== undefined && read !== length) {
        throw failure(url, `it broke off after ${read} of ${length} bytes`, { hint: options.hint, isPassing: true });
      }
    },
    discard: () => void body.destroy(),
  };
}

interface FailureDetails {
  hint?: string | undefined;
  cause?: unknown;
  isPassing?: boolean;
}

function failure(url: string, reason: string, { hint, cause, isPassing = false }: FailureDetails): NetworkError {
  return new NetworkError(`Cannot download ${shownUrl(url)}: ${reason}`, {
    hint: hint ?? 'Check the address and the connection, or download the file by other means and give its path.',
    cause,
    isPassing,
  });
}

/** Each header once: the first, where one came more often. */
function plain(headers: Dispatcher.ResponseData['headers']): Headers {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]));
}

function httpUrl(url: string, base?: URL): URL {
  let parsed: URL;
  try {
    parsed = new URL(url, base);
  } catch {
    // Without its text, which may hold a password, and which the cause would show.
    const hint = 'An address begins with http:// or https:// and a host.';
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', base ? `${shownUrl(base)} redirects to what is no URL` : 'This is not a URL', {
      hint,
    });
  }
  if (parsed.protocol === 'http:' || parsed.protocol === 'https:') return parsed;
  const from = base ? `, to which ${shownUrl(base)} redirects,` : '';
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${shownUrl(parsed)}${from} is not an http or https URL`, {
    hint: 'Download the file by other means and give its path.',
  });
}

/** Runs out after `left` milliseconds, without those while it is paused. */
class TimeLimit {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private since = 0;

  constructor(private left: number) {
    this.resume();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  resume(): void {
    this.since = performance.now();
    this.timer = setTimeout(() => this.controller.abort(), this.left).unref();
  }

  pause(): void {
    clearTimeout(this.timer);
    this.left -= performance.now() - this.since;
  }
}

function authorization({ username, password }: URL, { authorization }: RequestOptions): Record<string, string> {
  if (authorization !== undefined) return { authorization };
  if (!username && !password) return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

let agent: string | undefined;

/** `torch-interrogator/1.2.3 (+https://…)` */
function userAgent(): string {
  if (!agent) {
    const file = path.join(__dirname, '..', '..', 'package.json');
    const { name, version, homepage } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    agent = `${name}/${version} (+${homepage})`;
  }
  return agent;
}

function undici(): typeof import('undici') {
  // undici makes its own agent that of the process's fetch() unless Node's own is there, which this sees to.
  void globalThis.Response;
  return require('undici') as typeof import('undici');
}

const agents = new Map<string, Dispatcher>();

interface Route {
  dispatcher: Dispatcher;
  /** To be called when the answer was read, or none came. */
  leave(): void;
}

/** Direct connections are used again; idle ones do not keep the process alive. A way through a proxy is for one request. */
function routeTo(url: URL, { certificates, proxy = proxyFor(url), isTrusted = () => false }: Connection): Route {
  const isUnchecked = isTrusted(url);
  const trust = { ...(certificates && { ca: readFileSync(certificates) }), ...(isUnchecked && { rejectUnauthorized: false }) };
  const connect = { ...trust, timeout: CONNECT_MS };
  const { Agent, Pool, ProxyAgent } = undici();
  if (proxy !== undefined) {
    if (!/^https?:/i.test(proxy)) {
      throw new NetworkError(`The proxy ${shownUrl(proxy)} is of a kind that cannot be used.`, {
        hint: 'Name an http:// or https:// proxy in http_proxy and https_proxy, or none.',
      });
    }
    const clientFactory = (origin: URL, how: object): Dispatcher => {
      const pool = new Pool(origin, how);
      const open = pool.connect.bind(pool) as (asked: Dispatcher.ConnectOptions) => Promise<Dispatcher.ConnectData>;
      // undici asks a proxy that closes its connections again and again, unless it fails in another way.
      const openOnce = (asked: Dispatcher.ConnectOptions) => open(asked).catch((cause) => Promise.reject(new Error('no way', { cause })));
      return Object.assign(pool, { connect: openOnce });
    };
    // Many proxies let tunnels lead to the port of https alone.
    const dispatcher = new ProxyAgent({ uri: proxy, proxyTunnel: false, clientFactory, connect, requestTls: connect, proxyTls: connect });
    return { dispatcher, leave: () => void dispatcher.destroy().catch(() => {}) };
  }
  const key = `${isUnchecked} ${certificates ?? ''}`;
  const dispatcher = agents.get(key) ?? new Agent({ connect });
  agents.set(key, dispatcher);
  return { dispatcher, leave: () => {} };
}

/** What happened is in the innermost cause. */
function rootOf(error: unknown): { message?: string; code?: string } {
  let innermost = error as { message?: string; code?: string; cause?: unknown };
  while (typeof innermost.cause === 'object' && innermost.cause !== null) innermost = innermost.cause;
  return innermost;
}

function rootMessage(error: unknown): string {
  const innermost = rootOf(error);
  const message = innermost.message || innermost.code || String(innermost);
  // OpenSSL's own has a line of its sources.
  return /:error:\w+:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? message;
}

const DISTRUST_HINT = 'Where the network has a certificate authority of its own, name its PEM file in NODE_EXTRA_CA_CERTS.';

/** The server's certificate is not one that Node trusts. */
function isDistrust(error: unknown): boolean {
  return /^(CERT_|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_CERT|UNABLE_TO_(GET_ISSUER|VERIFY_LEAF)|ERR_TLS_CERT)/.test(rootOf(error).code ?? '');
}
