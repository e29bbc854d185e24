/** What the hub says about a repository and its files. */
import type { InterrogatorError } from '../errors';
import { type Answer, type RequestOptions, request } from '../net/http';
import { retry } from '../net/retry';
import { hubTimeouts, hubToken, isOffline } from './environment';
import { fileUrl, infoUrl, isCommit, requireRelative, requireRepository } from './names';
import { type Asked, offline, refusal, unexpected } from './refusals';

export interface AskOptions {
  /** A branch, a tag or a commit. Default `main`. */
  revision?: string | undefined;
  signal?: AbortSignal | undefined;
}

interface FactOptions {
  signal?: AbortSignal | undefined;
  /** Default 5. */
  attempts?: number | undefined;
  /** The longest wait for an answer, in milliseconds. Default: as the environment says. */
  idleMs?: number | undefined;
}

export interface FileFacts {
  /** The commit that the revision is at. */
  commit: string;
  /** The content's name in the cache: a large file's SHA-256, a small one's git hash. */
  etag: string;
  bytes: number;
}

const HINT = 'Check the connection, and HF_ENDPOINT where it is set. What was fetched is kept.';
const ATTEMPTS = 5;
/** The facts about a repository of ten thousand files have some megabytes. */
const MOST_BYTES = 64 << 20;

/**
 * The commit of the revision and the names of its files.
 * Throws ERR_NETWORK (a `HubError` where the hub refused), ERR_INVALID_ARGUMENT, ERR_CONFIG, AbortError.
 */
export async function repositoryInfo(repository: string, options: AskOptions = {}): Promise<{ commit: string; files: string[] }> {
  const { revision = 'main', signal } = options;
  requireRepository(repository);
  requireRelative(revision, 'revision');
  const asked = { repository, revision };
  if (isOffline()) throw offline(asked);
  const url = infoUrl(repository, revision);
  return retry(
    async () => {
      const answer = await ask(url, { signal, headers: { accept: 'application/json' } });
      if (answer.status !== 200) throw refuse(asked, answer);
      const parts: Buffer[] = [];
      for await (const part of answer.body(MOST_BYTES)) parts.push(part);
      return read(Buffer.concat(parts).toString()) ?? fail(unexpected(url, answer));
    },
    { attempts: ATTEMPTS, signal },
  );
}

function read(text: string): { commit: string; files: string[] } | undefined {
  try {
    const { sha, siblings } = JSON.parse(text) as { sha: unknown; siblings: { rfilename: unknown }[] };
    const files = siblings.map(({ rfilename }) => rfilename);
    if (typeof sha === 'string' && isCommit(sha) && files.every((file) => typeof file === 'string')) return { commit: sha, files };
  } catch {
    // No JSON, or of another form.
  }
  return undefined;
}

/** What the hub declares about a file's content. Throws as repositoryInfo() does. */
export async function fileFacts(asked: Required<Asked>, { signal, attempts = ATTEMPTS, idleMs }: FactOptions = {}): Promise<FileFacts> {
  const { repository, revision, file } = asked;
  if (isOffline()) throw offline(asked);
  const url = fileUrl(repository, revision, file);
  return retry(
    async () => {
      // The content of a large file lies elsewhere. What it is, the redirect says.
      const answer = await ask(url, { signal, method: 'HEAD', staysAtOrigin: true, ...(idleMs !== undefined && { idleMs }) });
      answer.discard();
      const heads = [...answer.redirects, answer.headers];
      const first = (name: string): string | undefined => heads.find((head) => head[name] !== undefined)?.[name];
      const commit = first('x-repo-commit');
      if (answer.status >= 400 || commit === undefined) throw refuse(asked, answer);
      const etag = (first('x-linked-etag') ?? answer.headers.etag ?? '').replace(/^(W\/)?"?|"$/g, '');
      const size = first('x-linked-size') ?? answer.headers['content-length'] ?? '';
      // All of them become parts of paths, or bounds.
      if (!isCommit(commit) || !/^\w[\w.-]{0,127}$/.test(etag) || !/^\d{1,15}$/.test(size)) throw unexpected(url, answer);
      return { commit, etag, bytes: Number(size) };
    },
    { attempts, signal },
  );
}

function ask(url: string, options: RequestOptions): Promise<Answer> {
  return request(url, { hint: HINT, authorization: authorization(), idleMs: hubTimeouts().facts, ...options });
}

function refuse(asked: Asked, answer: Answer): InterrogatorError {
  answer.discard();
  return refusal(asked, answer);
}

function fail(error: Error): never {
  throw error;
}

/** The header that shows the user's token. */
export function authorization(): string | undefined {
  const token = hubToken();
  return token === undefined ? undefined : `Bearer ${token}`;
}
