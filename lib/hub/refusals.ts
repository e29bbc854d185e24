/** What the hub's refusals mean, and what to do about each. */
import { isPage, pageInPlaceOf } from '../net/download';
import type { Answer } from '../net/http';
import { isPassingStatus, NetworkError, retryAfter } from '../net/network-error';
import { shownUrl } from '../net/shown-url';
import { hubEndpoint, hubToken } from './environment';

/** Why the hub gave nothing, for those who go on to another file or repository. */
export type HubReason =
  | 'gated'
  | 'token'
  | 'forbidden'
  | 'repository'
  | 'revision'
  | 'file'
  | 'busy'
  | 'trouble'
  | 'unexpected'
  | 'offline';

/** ERR_NETWORK with a reason. */
export class HubError extends NetworkError {
  constructor(
    readonly reason: HubReason,
    message: string,
    details: { hint: string; isPassing?: boolean; waitMs?: number | undefined },
  ) {
    super(message, details);
  }
}

/** What was asked for. */
export interface Asked {
  repository: string;
  revision: string;
  file?: string;
}

/** The error for an answer that is neither the file nor the facts about it. */
export function refusal(asked: Asked, answer: Answer): NetworkError {
  const { repository, revision, file = '' } = asked;
  const { status, statusText, headers } = answer;
  const { 'x-error-code': code, 'x-error-message': said = '' } = headers;
  const page = shownUrl(`${hubEndpoint()}/${repository}`);
  const hasToken = hubToken() !== undefined;
  const say = (reason: HubReason, message: string, hint: string): HubError => new HubError(reason, message, { hint });

  if (code === 'GatedRepo') {
    const terms = `Accept the terms at ${page} in a browser`;
    return say(
      'gated',
      `${repository} is gated: whoever fetches it must have accepted its publisher's terms${hasToken ? ", and the token's account has not" : ''}.`,
      hasToken
        ? `${terms}, signed in as the token's account, and give the token the right to read gated repositories.`
        : `${terms}, then set HF_TOKEN to a token of that account (https://huggingface.co/settings/tokens).`,
    );
  }
  if (code === 'RevisionNotFound') {
    return say('revision', `${repository} has no revision ${revision}.`, `See ${page}/commits for those that it has.`);
  }
  if (code === 'EntryNotFound') {
    return say('file', `${repository} has no file ${file} at revision ${revision}.`, `See ${page}/tree/${revision} for those that it has.`);
  }
  if (status === 401 && hasToken && code !== 'RepoNotFound') {
    return say(
      'token',
      `The hub does not know the token${detail(said)}.`,
      'Set HF_TOKEN to a valid one (https://huggingface.co/settings/tokens), or unset it: public repositories need none.',
    );
  }
  if (code === 'RepoNotFound' || status === 401) {
    return say(
      'repository',
      `The hub has no repository ${repository} that everybody may read${hasToken ? ', nor one for this token' : ''}.`,
      `Check the name. ${hasToken ? 'A private repository needs a token of an account that may read it' : 'For a private repository set HF_TOKEN to a token that may read it'}.`,
    );
  }
  if (status === 403) {
    return say(
      'forbidden',
      `The hub, or a proxy before it, forbids ${repository}${detail(said)}.`,
      `Open ${page} in a browser to see why${hasToken ? ', and check what the token may read' : ''}.`,
    );
  }
  if (status === 404) {
    return say('unexpected', `${page} answered ${statusText}, and not as a hub does.`, 'Check HF_ENDPOINT: it is the address of the hub.');
  }
  if (isPassingStatus(status)) {
    const waitMs = retryAfter(headers);
    const isBusy = status === 429;
    const wait = waitMs === undefined ? '' : `, and asks to wait for ${Math.ceil(waitMs / 1000)} s`;
    return new HubError(isBusy ? 'busy' : 'trouble', `${shownUrl(hubEndpoint())} answered ${statusText}${wait}.`, {
      hint: isBusy
        ? `Try again later: what was fetched is kept.${hasToken ? '' : ' With HF_TOKEN the hub allows more requests.'}`
        : 'The hub has trouble of its own. Try again later: what was fetched is kept.',
      isPassing: true,
      waitMs,
    });
  }
  return unexpected(`${hubEndpoint()}/${repository}`, answer);
}

/** The answer of something that is no hub: the network's own page, or an address that is not a hub's. */
export function unexpected(url: string, answer: Answer): NetworkError {
  if (isPage(answer) || (answer.status >= 300 && answer.status < 400) || answer.status === 511) return pageInPlaceOf(url);
  return new HubError('unexpected', `${shownUrl(url)} answered ${answer.statusText}, but not as a hub does.`, {
    hint: 'Check HF_ENDPOINT and the proxy: one of them leads to another server than the hub.',
  });
}

export function offline(asked: Asked): HubError {
  const { repository, revision, file } = asked;
  return new HubError(
    'offline',
    `${file ?? 'A file'} of ${repository} at revision ${revision} is not in the cache, and HF_HUB_OFFLINE is set.`,
    {
      hint: 'Unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE, or copy the cache folder (HF_HUB_CACHE) from a machine that has the file.',
    },
  );
}

function detail(said: string): string {
  return said ? `: ${said.replace(/[.\s]+$/, '')}` : '';
}
