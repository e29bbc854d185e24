/** The name and password that pip would send to an address. */
import { type Credentials, netrcCredentials } from './netrc';
import type { PipSettings } from './pip-settings';

/** The URL with its own credentials, those of the nearest index of the same origin, or those of `.netrc`; else as it is. */
export function withCredentials(address: string, { indexes }: Pick<PipSettings, 'indexes'>): string {
  const url = new URL(address);
  const found = url.password ? url : (nearestIndex(url, indexes) ?? stored(url) ?? url);
  url.username = encodable(found.username);
  url.password = encodable(found.password);
  return url.href;
}

/** Of several, that whose path is the longest beginning of the address's. */
function nearestIndex(url: URL, indexes: readonly string[]): URL | undefined {
  const near = indexes
    .filter((index) => URL.canParse(index))
    .map((index) => new URL(index))
    .filter(({ origin, username }) => origin === url.origin && username !== '');
  const common = ({ pathname }: URL): number => [...pathname].findIndex((letter, index) => letter !== url.pathname[index]) >>> 0;
  return near.sort((a, b) => common(b) - common(a))[0];
}

function stored({ hostname }: URL): Credentials | undefined {
  const found = netrcCredentials(hostname);
  return found && { username: encodeURIComponent(found.username), password: encodeURIComponent(found.password) };
}

/** A percent sign that stands for itself is written out, as whoever decodes it expects. */
function encodable(text: string): string {
  try {
    decodeURIComponent(text);
    return text;
  } catch {
    return text.replaceAll('%', '%25');
  }
}
