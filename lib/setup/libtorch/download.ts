/** One file from the network: continued where it broke off, in this process or an earlier one, and checked by hash. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Dispatcher } from 'undici';
import { AbortError, InterrogatorError, throwIfAborted } from '../../errors';
import { NETWORK_HINT } from './wheels';

export interface DownloadOptions {
  /** Hex digest that the whole file must have. */
  sha256: string;
  signal?: AbortSignal;
  /** Bytes so far and in all; 0 where the server does not say. */
  onProgress?: (done: number, total: number) => void;
  dispatcher?: Dispatcher;
  /** Breaks in a row without a new byte before giving up. */
  attempts?: number;
  /** First pause between attempts, in milliseconds; doubled each time. */
  pause?: number;
}

/** Honours HTTP_PROXY, HTTPS_PROXY and NO_PROXY, and a PEM file of certificates to trust. */
export function createDispatcher(certificates: string | null): Dispatcher {
  const { Agent, EnvHttpProxyAgent } = require('undici') as typeof import('undici');
  const trust = certificates && fs.existsSync(certificates) ? { ca: fs.readFileSync(certificates) } : undefined;
  const behindProxy = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].some((name) => process.env[name]);
  if (!behindProxy) return new Agent(trust && { connect: trust });
  const options: object = trust ? { connect: trust, requestTls: trust } : {};
  return new EnvHttpProxyAgent(options);
}

/**
 * Downloads `url` to `file`. Until it is whole and its hash is right it is called `file`.part.
 * @throws ERR_NETWORK (unreachable, refused, wrong hash), ERR_IO (disk), AbortError
 */
export async function download(url: string, file: string, options: DownloadOptions): Promise<void> {
  const part = `${file}.part`;
  const resumed = (await sizeOf(part)) > 0;
  await receive(url, part, options);
  if (await hasHash(part, options)) return rename(part, file);
  await rm(part, { force: true });
  if (resumed) {
    // What an earlier run left may have been the damaged half.
    await receive(url, part, options);
    if (await hasHash(part, options)) return rename(part, file);
    await rm(part, { force: true });
  }
  throw new InterrogatorError('ERR_NETWORK', `${withoutCredentials(url)} arrived damaged: its SHA-256 is not ${options.sha256}.`, {
    hint: NETWORK_HINT,
  });
}

/** Appends to `part` until the server has nothing more to send. */
async function receive(url: string, part: string, options: DownloadOptions): Promise<void> {
  const { signal, attempts = 6, pause = 500 } = options;
  for (let failures = 0; ; ) {
    const before = await sizeOf(part);
    try {
      return await (url.startsWith('file:') ? copyLocal(url, part, options) : request(url, part, before, options));
    } catch (error) {
      if (signal?.aborted) throw new AbortError(signal.reason);
      if (error instanceof InterrogatorError) throw error;
      const failure = asFailure(url, error);
      if (failure.code === 'ERR_IO') throw failure;
      failures = (await sizeOf(part)) > before ? 1 : failures + 1;
      if (failures >= attempts) throw failure;
      await sleep(pause * 2 ** (failures - 1), undefined, { signal }).catch(() => throwIfAborted(signal));
    }
  }
}

async function request(url: string, part: string, have: number, { signal, dispatcher, onProgress }: DownloadOptions): Promise<void> {
  const { fetch } = require('undici') as typeof import('undici');
  const { address, authorization } = splitCredentials(url);
  const response = await fetch(address, {
    dispatcher,
    signal,
    headers: {
      'accept-encoding': 'identity',
      ...(have > 0 && { range: `bytes=${have}-` }),
      ...(authorization && { authorization }),
    },
  });
  if (response.status === 416) {
    await response.body?.cancel();
    // Nothing lies beyond what is here: whole, or longer than the file. The hash decides.
    return;
  }
  if (!response.ok) {
    await response.body?.cancel();
    const message = `${withoutCredentials(url)} answered ${response.status} ${response.statusText}.`;
    // A busy or restarting server is asked again; a refusal is final.
    if (response.status >= 500 || response.status === 429 || response.status === 408) throw new Error(message);
    throw new InterrogatorError('ERR_NETWORK', message, { hint: NETWORK_HINT });
  }
  const offset = response.status === 206 ? have : 0;
  const length = Number(response.headers.get('content-length') ?? 0);
  const total = length > 0 ? offset + length : 0;
  let done = offset;
  onProgress?.(done, total);
  const body = Readable.fromWeb(response.body as import('node:stream/web').ReadableStream);
  body.on('data', (chunk: Uint8Array) => {
    done += chunk.length;
    onProgress?.(done, total);
  });
  await pipeline(body, fs.createWriteStream(part, { flags: offset > 0 ? 'a' : 'w' }), { signal });
  if (total > 0 && done < total) throw new Error(`${withoutCredentials(url)} broke off after ${done} of ${total} bytes.`);
}

async function copyLocal(url: string, part: string, { signal, onProgress }: DownloadOptions): Promise<void> {
  const source = fileURLToPath(url);
  await pipeline(fs.createReadStream(source), fs.createWriteStream(part), { signal });
  const bytes = await sizeOf(part);
  onProgress?.(bytes, bytes);
}

async function hasHash(file: string, { sha256, signal }: DownloadOptions): Promise<boolean> {
  const hash = createHash('sha256');
  try {
    await pipeline(fs.createReadStream(file, { highWaterMark: 1 << 20 }), hash, { signal });
  } catch (error) {
    if (signal?.aborted) throw new AbortError(signal.reason);
    throw error;
  }
  return hash.digest('hex') === sha256;
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => null))?.size ?? 0;
}

/** fetch() takes no credentials in its URL; package indexes may well give them there. */
function splitCredentials(url: string): { address: string; authorization?: string } {
  const address = new URL(url);
  if (!address.username && !address.password) return { address: url };
  const pair = `${decodeURIComponent(address.username)}:${decodeURIComponent(address.password)}`;
  address.username = '';
  address.password = '';
  return { address: address.href, authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

function withoutCredentials(url: string): string {
  return splitCredentials(url).address;
}

const DISK_ERRORS = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EFBIG', 'EMFILE', 'EISDIR', 'ENOTDIR']);

function asFailure(url: string, error: unknown): InterrogatorError {
  // fetch() says only "fetch failed"; what failed is its cause.
  const reason = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
  if (reason.code && DISK_ERRORS.has(reason.code)) return diskError(reason);
  return new InterrogatorError('ERR_NETWORK', `${withoutCredentials(url)} could not be fetched: ${reason.message || reason.code}.`, {
    hint: NETWORK_HINT,
    cause: error,
  });
}

/** A failed write, with what to do about it. */
export function diskError(error: NodeJS.ErrnoException): InterrogatorError {
  const full = error.code === 'ENOSPC' || error.code === 'EDQUOT';
  return new InterrogatorError('ERR_IO', `${full ? 'The disk is full' : 'Writing failed'}: ${error.message}.`, {
    hint: `${full ? 'Free some space' : 'Make the folder writable'}, or name another folder in TORCH_INTERROGATOR_CACHE, and run the command again: it continues where it stopped.`,
    cause: error,
  });
}
