/** Names and passwords of hosts, as curl and pip read them: `~/.netrc`. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface Credentials {
  username: string;
  password: string;
}

/** What `NETRC`, else `~/.netrc` or `~/_netrc`, says of the host, or of any. A file that cannot be read says nothing. */
export function netrcCredentials(host: string, env: NodeJS.ProcessEnv = process.env): Credentials | undefined {
  const files = env.NETRC ? [env.NETRC] : ['.netrc', '_netrc'].map((name) => path.join(os.homedir(), name));
  for (const file of files) {
    try {
      const entries = parseNetrc(readFileSync(file, 'utf8'));
      return entries.get(host) ?? entries.get(ANY);
    } catch {
      // Not there, or not to be read: as if there were none.
    }
  }
  return undefined;
}

const ANY = '';

/** Entries by host; that of `default` by the empty name. The last of a host counts. */
export function parseNetrc(text: string): Map<string, Credentials> {
  const entries = new Map<string, Credentials>();
  let entry: Credentials = { username: '', password: '' };
  const words = /\s*(?:"((?:\\[\s\S]|[^"\\])*)"?|((?:\\[\s\S]|[^\s\\])+))/y;
  const next = (): string | undefined => {
    const found = words.exec(text);
    // Without one it would go back to the start.
    if (!found) words.lastIndex = text.length;
    return (found?.[1] ?? found?.[2])?.replace(/\\([\s\S])/g, '$1');
  };
  /** Goes on where `end` was found, or nowhere. */
  const skipTo = (end: RegExp): void => {
    const length = text.slice(words.lastIndex).search(end);
    words.lastIndex = length < 0 ? text.length : words.lastIndex + length;
  };
  for (let word = next(); word !== undefined; word = next()) {
    if (word.startsWith('#')) skipTo(/\n/);
    else if (word === 'macdef') skipTo(/\n\r?\n/);
    else if (word === 'machine' || word === 'default') {
      entry = { username: '', password: '' };
      entries.set(word === 'default' ? ANY : (next() ?? ANY), entry);
    } else if (word === 'login' || word === 'user') entry.username = next() ?? '';
    else if (word === 'password') entry.password = next() ?? '';
    else if (word === 'account') next();
  }
  return entries;
}
