/** A file's content from the hub, checked by what the hub declares of it. */
import { type DownloadOptions, download } from '../net/download';
import type { Answer } from '../net/http';
import { isPassingStatus, NetworkError, retryAfter } from '../net/network-error';
import { hubEndpoint, hubTimeouts } from './environment';
import { authorization, type FileFacts, fileFacts } from './facts';
import { fileOf, fileUrl } from './names';
import { refusal } from './refusals';

type Named = { repository: string; file: string };

/** Downloads the content that the facts are of to `target`, as download() does. */
export async function downloadContent(
  { repository, file }: Named,
  { commit, etag, bytes }: FileFacts,
  target: string,
  options: DownloadOptions,
): Promise<void> {
  await download(fileUrl(repository, commit, file), target, {
    idleMs: hubTimeouts().content,
    hint: 'Check the connection, then try again: it continues where it stopped.',
    ...options,
    bytes,
    ...(/^[0-9a-f]{64}$/.test(etag) && { sha256: etag }),
    ...(/^[0-9a-f]{40}$/.test(etag) && { gitBlob: etag }),
    authorization: authorization(),
    refusal: (answer) => {
      const isHub = new URL(answer.url).origin === new URL(hubEndpoint()).origin;
      return isHub ? refusal({ repository, revision: commit, file }, answer) : refusalOfStore(file, answer);
    },
  });
}

/** Large contents lie with another server, whose addresses the hub signs for an hour: a new one is asked for. */
function refusalOfStore(file: string, { url, status, statusText, headers }: Answer): NetworkError {
  const isPassing = isPassingStatus(status) || status === 400 || status === 401 || status === 403;
  return new NetworkError(`${new URL(url).host}, where the hub keeps ${file}, answered ${statusText}.`, {
    hint: 'Check that no proxy or filter stands before that server, then try again: it continues where it stopped.',
    isPassing,
    waitMs: retryAfter(headers),
  });
}

/** Downloads any address to `target`: one of a file of the hub with the user's token and the hub's size and hash, others as they are. */
export async function downloadUrl(url: string, target: string, options: DownloadOptions): Promise<void> {
  const asked = fileOf(url);
  if (!asked) return download(url, target, options);
  const { signal, attempts, idleMs, maxBytes = Number.POSITIVE_INFINITY } = options;
  const facts = await fileFacts(asked, { signal, attempts, idleMs });
  if (facts.bytes > maxBytes) {
    throw new NetworkError(`${asked.file} of ${asked.repository} has ${facts.bytes} bytes; at most ${maxBytes} are fetched.`, {});
  }
  await downloadContent(asked, facts, target, options);
}
