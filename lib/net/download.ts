/** One file from the network: continued where it broke off, in this process or an earlier one, and checked by size and hash. */
import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { InterrogatorError } from '../errors';
import { counted } from './counted';
import { type Answer, type Connection, request } from './http';
import { isPassingStatus, NetworkError, retryAfter } from './network-error';
import { type Expected, Part } from './part';
import { RetryPolicy } from './retry';
import { shownUrl } from './shown-url';

export interface DownloadOptions extends Expected, Connection {
  /** What the file is called until it is whole. Default: its name and `.part`. */
  part?: string;
  signal?: AbortSignal | undefined;
  /** Bytes so far and in all; 0 where the server does not say. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** For the address's own origin. */
  authorization?: string | undefined;
  /** The longest silence of the server, in milliseconds. */
  idleMs?: number;
  /** Longer files are refused. */
  maxBytes?: number;
  /** What to do about a failure of the network. */
  hint?: string;
  /** What an answer means that has another status than the file's. */
  refusal?: (answer: Answer) => NetworkError;
  /** The environment variable that names another folder than the one that is full. */
  folderVariable?: string;
  /** Breaks in a row without a new byte before giving up. */
  attempts?: number;
  /** First pause between attempts, in milliseconds; about doubled each time. */
  pause?: number;
}

/**
 * Downloads `url` to `file`, which has its name only when it is whole and what it should be. What came of it stays beside it until then.
 * Only one process may download to a file at a time.
 * @throws ERR_NETWORK (unreachable, refused, another size or hash), ERR_IO (disk), AbortError
 */
export async function download(url: string, file: string, options: DownloadOptions): Promise<void> {
  const part = new Part(options.part ?? `${file}.part`, options);
  let fault: string | undefined;
  try {
    // Damage on the way, or in what an earlier run left, does not come twice.
    for (let rounds = 2; rounds > 0; rounds -= 1) {
      await (url.startsWith('file:') ? copyFile(fileURLToPath(url), part.file) : receive(url, part, options));
      fault = await part.fault(options.signal);
      if (fault === undefined) return await part.finish(file, options.signal);
      await part.remove();
    }
  } catch (error) {
    throw isOfDisk(error) ? diskError(error, options.folderVariable) : error;
  }
  throw new NetworkError(`${shownUrl(url)} arrived damaged: ${fault}. It was fetched again and was no better.`, {
    hint: 'Something between here and the server changes it, or the server has another file. Nothing of it was kept: try again later, or from another network.',
  });
}

const AGAIN = 'Check the network, then run the command again: it continues where it stopped.';

/** A wheel with CUDA's kernels has 3 GB. */
const MOST_BYTES = 16 * 2 ** 30;

/** Appends to `part` until the server has nothing more to send. */
async function receive(url: string, part: Part, options: DownloadOptions): Promise<void> {
  const policy = new RetryPolicy(options);
  for (;;) {
    await part.catchUp(options.signal);
    const before = await part.size();
    if (options.bytes !== undefined && before >= options.bytes && before > 0) return;
    try {
      return await continueFrom(url, part, before, options);
    } catch (error) {
      if ((await part.size()) > before) policy.renew();
      await policy.after(error);
    }
  }
}

async function continueFrom(url: string, part: Part, size: number, options: DownloadOptions): Promise<void> {
  const { certificates, proxy, isTrusted, hint = AGAIN, maxBytes = MOST_BYTES, authorization, bytes, idleMs, onProgress, signal } = options;
  const hasHash = options.sha256 !== undefined || options.gitBlob !== undefined;
  // Without a hash only its server can tell that the rest is of the same version. With one it is not asked: servers that stand for each
  // other may have a version's name each, and would send all of it.
  const version = size > 0 && !hasHash ? await part.version() : '';
  const have = part.isContinued && (version !== '' || hasHash) ? size : 0;
  const answer = await request(url, {
    signal,
    authorization,
    certificates: certificates && existsSync(certificates) ? certificates : null,
    proxy,
    isTrusted,
    hint,
    ...(idleMs !== undefined && { idleMs }),
    // A server that has another version by now sends that from its start, not its rest.
    headers: { ...(have > 0 && { range: `bytes=${have}-` }), ...(have > 0 && version && { 'if-range': version }) },
  });
  if (answer.status !== 200 && answer.status !== 206) {
    answer.discard();
    // Nothing lies beyond what is here: whole, or longer than the file. The hash decides.
    if (answer.status === 416 && have > 0) return;
    throw (options.refusal ?? refusalOf(url, hint))(answer);
  }
  const offset = answer.status === 206 ? startOf(answer, have) : 0;
  if (offset !== 0 && offset !== have) {
    answer.discard();
    part.isContinued = false;
    const fault = `${shownUrl(url)} came from byte ${offset} on, where byte ${have} was asked for.`;
    throw new NetworkError(fault, { hint, isPassing: true });
  }
  const total = answer.length === undefined ? bytes : offset + answer.length;
  if (bytes !== undefined && (total !== bytes || (isPage(answer) && answer.length === undefined))) {
    answer.discard();
    throw isPage(answer) ? pageInPlaceOf(url) : new NetworkError(`${shownUrl(url)} came with ${total} bytes, not ${bytes}.`, { hint });
  }
  const { etag = '', 'last-modified': modified = '' } = answer.headers;
  if (offset === 0) await part.restart(/^"/.test(etag) ? etag : modified);
  await part.append(counted(answer.body((bytes ?? maxBytes) - offset), (done) => onProgress?.(offset + done, total ?? 0)));
  // Where the answer had no length, only this tells.
  const came = await part.size();
  if (bytes !== undefined && came < bytes) {
    throw new NetworkError(`${shownUrl(url)} broke off after ${came} of ${bytes} bytes.`, { hint, isPassing: true });
  }
}

/** Where the part that came begins; as it was asked for where the server does not say. */
function startOf({ headers }: Answer, asked: number): number {
  const [, start] = /^bytes (\d+)-/.exec(headers['content-range'] ?? '') ?? [];
  return start === undefined ? asked : Number(start);
}

function refusalOf(url: string, hint: string): (answer: Answer) => NetworkError {
  return ({ status, statusText, headers }) =>
    new NetworkError(`${shownUrl(url)} answered ${statusText}.`, { hint, isPassing: isPassingStatus(status), waitMs: retryAfter(headers) });
}

export function isPage({ headers }: Answer): boolean {
  return /^\s*(text\/html|application\/xhtml)/i.test(headers['content-type'] ?? '');
}

/** Networks of hotels and trains answer every request with their own page until somebody signs in. */
export function pageInPlaceOf(url: string): NetworkError {
  return new NetworkError(`A web page came in place of ${shownUrl(url)}: the network, or a proxy in it, answers for the server.`, {
    hint: 'Open any address in a browser and sign in to the network, or ask who runs it to let the address through. Then try again.',
  });
}

/** The file system said so, not a programmer's mistake. */
export function isOfDisk(error: unknown): error is NodeJS.ErrnoException {
  return !(error instanceof InterrogatorError) && (error as NodeJS.ErrnoException | null)?.syscall !== undefined;
}

/** A failed write, with what to do about it. */
export function diskError(error: NodeJS.ErrnoException, folderVariable = 'TORCH_INTERROGATOR_CACHE'): InterrogatorError {
  const full = error.code === 'ENOSPC' || error.code === 'EDQUOT';
  return new InterrogatorError('ERR_IO', `${full ? 'The disk is full' : 'Writing failed'}: ${error.message}.`, {
    hint: `${full ? 'Free some space' : 'Make the folder writable'}, or name another folder in ${folderVariable}, and run the command again: it continues where it stopped.`,
    cause: error,
  });
}
