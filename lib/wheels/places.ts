/** Where pip would look for a package: folders, pages and indexes, in its order, each with the links that it has. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { InterrogatorError } from '../errors';
import { request } from '../net/http';
import { isPassingStatus, NetworkError, retryAfter } from '../net/network-error';
import { retry } from '../net/retry';
import { shownUrl } from '../net/shown-url';
import { withCredentials } from './credentials';
import { ACCEPTED, type Link, lastName, parsePage } from './page';
import type { PipSettings } from './pip-settings';

/** `name`: for messages, without credentials. A place that has no answer has a fault instead, as a sentence. */
export type Place = { name: string; links: Link[] } | { fault: string };

/** PyPI's page of torch has 420 kB, a flat page of all of PyTorch's wheels a few MB. */
const MOST_BYTES = 16 << 20;
const TOTAL_MS = 600_000;
const PAUSE_MS = 250;

/** Looks at one place after the other, as they are asked for. Rejects with an AbortError; all else is a place's fault. */
export async function* placesOf(project: string, settings: PipSettings, signal?: AbortSignal): AsyncGenerator<Place> {
  for (const location of settings.findLinks) {
    const place = toUrl(expandHome(location));
    yield await look(place, location, () => linkPage(place as URL, settings, signal));
  }
  for (const index of settings.indexes) {
    const place = toUrl(index);
    const page = place && pageOf(place, project);
    yield await look(page, index, () => readPage(page as URL, settings, signal));
  }
}

async function look(url: URL | undefined, location: string, links: () => Promise<Link[]>): Promise<Place> {
  // What is no URL may still hold a password.
  const shown = location.includes('@') ? "one of pip's settings" : location;
  if (!url) return { fault: `${shown}: it is neither a URL nor a folder that is there` };
  const name = url.protocol === 'file:' ? fileURLToPath(url) : shownUrl(url);
  try {
    return { name, links: await links() };
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_ABORTED') throw error;
    // The remedy is that of the whole, not of one place.
    const { message, hint, problem } = error as InterrogatorError;
    return { fault: hint ? problem : `${name}: ${message}` };
  }
}

function toUrl(location: string): URL | undefined {
  if (/^(https?|file):/i.test(location)) return URL.canParse(location) ? new URL(location) : undefined;
  return existsSync(location) ? pathToFileURL(path.resolve(location)) : undefined;
}

function expandHome(location: string): string {
  return location.replace(/^~(?=\/|$)/, os.homedir());
}

/** PEP 503: `https://host/simple/a-name/`. */
function pageOf(index: URL, project: string): URL {
  const page = new URL(index);
  page.pathname = `${page.pathname.replace(/\/+$/, '')}/${project.toLowerCase().replace(/[-_.]+/g, '-')}/`;
  return page;
}

/** A folder's own files and the links of its pages, one file, or a page. */
async function linkPage(url: URL, settings: PipSettings, signal?: AbortSignal): Promise<Link[]> {
  const isFolder = url.protocol === 'file:' && statSync(fileURLToPath(url)).isDirectory();
  if (!isFolder) return isWheel(url) ? [asLink(url)] : readPage(url, settings, signal);
  const folder = fileURLToPath(url);
  const files = readdirSync(folder).map((name) => pathToFileURL(path.join(folder, name)));
  const pages = files.filter(({ pathname }) => /\.html?$/i.test(pathname));
  return [...files.filter(isWheel).map(asLink), ...pages.flatMap(readLocalPage)];
}

function isWheel({ pathname }: URL): boolean {
  return pathname.endsWith('.whl');
}

/** A file that is named itself; its address may end in its hash. */
function asLink(url: URL): Link {
  const bare = new URL(url);
  bare.hash = '';
  return { url: bare.href, fileName: lastName(url), sha256: /^#sha256=(\w+)/.exec(url.hash)?.[1]?.toLowerCase() ?? null };
}

function readLocalPage(url: URL): Link[] {
  const file = fileURLToPath(url);
  if (statSync(file).isDirectory()) return readLocalPage(new URL('index.html', `${url.href.replace(/\/+$/, '')}/`));
  if (statSync(file).size > MOST_BYTES) throw new Error(`it is longer than ${MOST_BYTES} bytes`);
  return parsePage(readFileSync(file, 'utf8'), 'text/html', url.href);
}

async function readPage(url: URL, settings: PipSettings, signal?: AbortSignal): Promise<Link[]> {
  if (url.protocol === 'file:') return readLocalPage(url);
  if (!isSecure(url, settings))
    throw new Error(`it is asked without encryption, and pip's setting trusted-host does not name ${url.hostname}`);
  const attempts = settings.retries + 1;
  return retry(() => fetchPage(withCredentials(url.href, settings), settings, signal), { attempts, pause: PAUSE_MS, signal });
}

/** pip passes over others. */
function isSecure(url: URL, { connection }: PipSettings): boolean {
  return url.protocol === 'https:' || /^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname) || connection.isTrusted?.(url) === true;
}

async function fetchPage(url: string, { connection, idleMs }: PipSettings, signal?: AbortSignal): Promise<Link[]> {
  const answer = await request(url, { ...connection, signal, idleMs, totalMs: TOTAL_MS, headers: { accept: ACCEPTED } });
  if (answer.status !== 200) {
    answer.discard();
    const { status, statusText, headers } = answer;
    throw new NetworkError(`it answered ${statusText}`, { isPassing: isPassingStatus(status), waitMs: retryAfter(headers) });
  }
  const parts: Buffer[] = [];
  for await (const part of answer.body(MOST_BYTES)) parts.push(part);
  return parsePage(Buffer.concat(parts).toString('utf8'), answer.headers['content-type'] ?? '', answer.url);
}
