/** One file from the network: continued where it broke off, in this process or an earlier one, and checked by hash. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { copyFile, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { InterrogatorError } from '../errors';
import { counted } from './counted';
import { request } from './http';
import { shownUrl } from './shown-url';

export interface DownloadOptions {
  /** Hex digest that the whole file must have. */
  sha256: string;
  /** Bytes so far and in all; 0 where the server does not say. */
  onProgress?: (done: number, total: number) => void;
  /** A PEM file of certificates to trust; null for the usual ones. */
  certificates?: string | null;
  /** What to do about a failure of the network. */
  hint?: string;
  /** Breaks in a row without a new byte before giving up. */
  attempts?: number;
  /** First pause between attempts, in milliseconds; doubled each time. */
  pause?: number;
}

/**
 * Downloads `url` to `file`. Until it is whole and its hash is right it is called `file`.part.
 * @throws ERR_NETWORK (unreachable, refused, wrong hash), ERR_IO (disk)
 */
export async function download(url: string, file: string, options: DownloadOptions): Promise<void> {
  const part = `${file}.part`;
  // What an earlier run left may be the damaged half: then the file is fetched once more.
  for (let rounds = (await sizeOf(part)) > 0 ? 2 : 1; rounds > 0; rounds -= 1) {
    await (url.startsWith('file:') ? copyFile(fileURLToPath(url), part) : receive(url, part, options));
    const hash = createHash('sha256');
    await pipeline(fs.createReadStream(part, { highWaterMark: 1 << 20 }), hash);
    const isRight = hash.digest('hex') === options.sha256;
    if (isRight) await rename(part, file);
    await Promise.all([part, `${part}.version`].map((left) => rm(left, { force: true })));
    if (isRight) return;
  }
  throw new InterrogatorError('ERR_NETWORK', `${shownUrl(url)} arrived damaged: its SHA-256 is not ${options.sha256}.`, {
    hint: options.hint ?? AGAIN,
  });
}

const AGAIN = 'Check the network, then run the command again: it continues where it stopped.';

/** What the server will say again however often it is asked. */
class Refusal extends InterrogatorError {}

/** A wheel with CUDA's kernels has 3 GB. */
const MOST_BYTES = 16 * 2 ** 30;

/** Appends to `part` until the server has nothing more to send. */
async function receive(url: string, part: string, options: DownloadOptions): Promise<void> {
  const { attempts = 6, pause = 500 } = options;
  for (let failures = 0; ; ) {
    const before = await sizeOf(part);
    try {
      return await continueFrom(url, part, before, options);
    } catch (error) {
      if (!(error instanceof InterrogatorError)) throw diskError(error as NodeJS.ErrnoException);
      failures = (await sizeOf(part)) > before ? 1 : failures + 1;
      if (error instanceof Refusal || failures >= attempts) throw error;
      await sleep(pause * 2 ** (failures - 1));
    }
  }
}

async function continueFrom(url: string, part: string, have: number, options: DownloadOptions): Promise<void> {
  const { certificates = null, hint = AGAIN, onProgress } = options;
  const mark = `${part}.version`;
  // With it, a server that has another version by now sends that from its start, not its rest.
  const version = have > 0 ? await readFile(mark, 'utf8').catch(() => '') : '';
  const answer = await request(url, {
    certificates: certificates !== null && fs.existsSync(certificates) ? certificates : null,
    hint,
    headers: { ...(have > 0 && { range: `bytes=${have}-` }), ...(version && { 'if-range': version }) },
  });
  if (answer.status !== 200 && answer.status !== 206) {
    answer.discard();
    // Nothing lies beyond what is here: whole, or longer than the file. The hash decides.
    if (answer.status === 416) return;
    // A busy or restarting server is asked again; a refusal is final.
    const Failure = answer.status >= 500 || answer.status === 429 || answer.status === 408 ? InterrogatorError : Refusal;
    throw new Failure('ERR_NETWORK', `${shownUrl(url)} answered ${answer.statusText}.`, { hint });
  }
  const offset = answer.status === 206 ? have : 0;
  const total = answer.length === undefined ? 0 : offset + answer.length;
  const { etag = '', 'last-modified': modified = '' } = answer.headers;
  if (offset === 0) await writeFile(mark, /^"/.test(etag) ? etag : modified);
  const body = counted(answer.body(MOST_BYTES), (done) => onProgress?.(offset + done, total));
  await pipeline(body, fs.createWriteStream(part, { flags: offset > 0 ? 'a' : 'w' }));
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => null))?.size ?? 0;
}

/** A failed write, with what to do about it. */
export function diskError(error: NodeJS.ErrnoException): InterrogatorError {
  const full = error.code === 'ENOSPC' || error.code === 'EDQUOT';
  return new InterrogatorError('ERR_IO', `${full ? 'The disk is full' : 'Writing failed'}: ${error.message}.`, {
    hint: `${full ? 'Free some space' : 'Make the folder writable'}, or name another folder in TORCH_INTERROGATOR_CACHE, and run the command again: it continues where it stopped.`,
    cause: error,
  });
}
