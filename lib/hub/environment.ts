/** The settings that Python's huggingface_hub reads, read as it reads them. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { InterrogatorError } from '../errors';

type Environment = NodeJS.ProcessEnv;

const DEFAULT_ENDPOINT = 'https://huggingface.co';

/**
 * Where Python's huggingface_hub keeps what it fetched: `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE`, or `hub` in `HF_HOME`, which is by default
 * `huggingface` in `XDG_CACHE_HOME` or in ~/.cache. It may not exist yet.
 */
export function hubCacheFolder(env: Environment = process.env): string {
  return expanded(env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || path.join(hubHome(env), 'hub'), env);
}

/** Nothing is to be asked of the hub: `HF_HUB_OFFLINE`, and where that is not set `TRANSFORMERS_OFFLINE`. */
export function isOffline(env: Environment = process.env): boolean {
  return isTrue(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE);
}

/** The hub's address, without a slash at its end: `HF_ENDPOINT`, or the public hub. Throws ERR_CONFIG for what is no address. */
export function hubEndpoint(env: Environment = process.env): string {
  const endpoint = (env.HF_ENDPOINT || DEFAULT_ENDPOINT).replace(/\/+$/, '');
  const { protocol = '' } = URL.canParse(endpoint) ? new URL(endpoint) : {};
  if (protocol === 'http:' || protocol === 'https:') return endpoint;
  throw new InterrogatorError('ERR_CONFIG', 'HF_ENDPOINT is not an http or https address.', {
    hint: `Set it to one like ${DEFAULT_ENDPOINT}, or unset it.`,
  });
}

/** An address at the public hub as it is at the user's: of a mirror, for those who cannot reach the public one. Others stay. */
export function atEndpoint(url: string, env: Environment = process.env): string {
  return url.startsWith(`${DEFAULT_ENDPOINT}/`) ? hubEndpoint(env) + url.slice(DEFAULT_ENDPOINT.length) : url;
}

/**
 * The user's token: `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN`, or what Python's login left in the file `HF_TOKEN_PATH`, by default `token` in
 * `HF_HOME`. Undefined where there is none, or where `HF_HUB_DISABLE_IMPLICIT_TOKEN` keeps it. Throws ERR_CONFIG for what can be no token.
 */
export function hubToken(env: Environment = process.env): string | undefined {
  if (isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined;
  const token = (env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN || '').trim() || tokenInFile(env);
  if (/^[\x21-\x7e]*$/.test(token)) return token || undefined;
  throw new InterrogatorError('ERR_CONFIG', "The hub's token has characters that no token has.", {
    hint: 'Copy it again from https://huggingface.co/settings/tokens into HF_TOKEN.',
  });
}

function tokenInFile(env: Environment): string {
  const file = env.HF_TOKEN_PATH || path.join(hubHome(env), 'token');
  try {
    return readFileSync(expanded(file, env), 'utf8').trim();
  } catch {
    return '';
  }
}

/** The longest silence of the hub, in milliseconds: `HF_HUB_ETAG_TIMEOUT` for facts, `HF_HUB_DOWNLOAD_TIMEOUT` for content, in seconds. */
export function hubTimeouts(env: Environment = process.env): { facts: number; content: number } {
  const milliseconds = (seconds: string | undefined, otherwise: number): number => {
    const value = Number(seconds) * 1000;
    return value > 0 && value < 2 ** 31 ? value : otherwise;
  };
  return { facts: milliseconds(env.HF_HUB_ETAG_TIMEOUT, 10_000), content: milliseconds(env.HF_HUB_DOWNLOAD_TIMEOUT, 30_000) };
}

function hubHome(env: Environment): string {
  if (env.HF_HOME) return expanded(env.HF_HOME, env);
  return expanded(path.join(env.XDG_CACHE_HOME || path.join('~', '.cache'), 'huggingface'), env);
}

function isTrue(value = ''): boolean {
  return ['1', 'ON', 'YES', 'TRUE'].includes(value.toUpperCase());
}

/** With `~` and variables as Python's expanduser and expandvars replace them: unknown ones stay. */
function expanded(file: string, env: Environment): string {
  const home = (process.platform === 'win32' ? env.USERPROFILE : env.HOME) || os.homedir();
  const there = file.replace(/^~(?=$|[/\\])/, home);
  return path.resolve(there.replace(/\$(?:(\w+)|\{([^}]*)\})/g, (all, plain, braced) => env[plain ?? braced] ?? all));
}
