/** What a page of a package index, or of links, lists: PEP 691's JSON, PEP 503's HTML. */

export interface Link {
  /** Absolute, without a fragment. */
  url: string;
  fileName: string;
  /** In lower case; null where the page declares none. */
  sha256: string | null;
}

/** What a server is asked for, as pip asks. */
export const ACCEPTED = 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01';

/** The links of a page that `base` answered with. Throws an Error where it is no such page. */
export function parsePage(content: string, contentType: string, base: string): Link[] {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === 'application/vnd.pypi.simple.v1+json') return parseJson(content, base);
  if (type === 'text/html' || type === 'application/vnd.pypi.simple.v1+html') return parseHtml(content, base);
  throw new Error(`it is of the type ${JSON.stringify(type.slice(0, LONGEST_TYPE))}, not a package index`);
}

const LONGEST_TYPE = 80;
const DEEPEST = 1000;

function parseJson(content: string, base: string): Link[] {
  let page: { meta?: { 'api-version'?: unknown }; files?: unknown } | null;
  try {
    page = JSON.parse(content);
  } catch {
    throw new Error('it is no JSON, though it says so');
  }
  const version = page?.meta?.['api-version'] ?? '1.0';
  if (typeof version !== 'string' || !version.startsWith('1.')) throw new Error('it is of another version of the index API than 1');
  if (!Array.isArray(page?.files)) throw new Error('it has no list of files');
  const files: unknown[] = page.files;
  return files.flatMap((file) => {
    const { url, filename, hashes } = (file ?? {}) as Record<string, unknown>;
    if (typeof url !== 'string') return [];
    const declared = (hashes as { sha256?: unknown } | null | undefined)?.sha256;
    return toLinks(url, base, {
      ...(typeof filename === 'string' && { fileName: filename }),
      ...(typeof declared === 'string' && { sha256: declared }),
    });
  });
}

function parseHtml(content: string, base: string): Link[] {
  // Only where a page is HTML.
  const { Parser } = require('htmlparser2') as typeof import('htmlparser2');
  const references: string[] = [];
  let origin: string | undefined;
  let depth = 0;
  const parser = new Parser({
    onclosetag() {
      depth -= 1;
    },
    onopentag(name, { href }) {
      depth += 1;
      // The parser's time grows with the square of it.
      if (depth > DEEPEST) throw new Error('its HTML is nested too deeply');
      if (href === undefined) return;
      if (name === 'a') references.push(href);
      else if (name === 'base') origin ??= href;
    },
  });
  parser.end(content);
  const from = origin !== undefined && URL.canParse(origin, base) ? new URL(origin, base).href : base;
  // Only a page of this machine may lead to files of this machine.
  return references
    .flatMap((reference) => toLinks(reference, from, {}))
    .filter(({ url }) => !url.startsWith('file:') || base.startsWith('file:'));
}

/** undefined where a link leads to no file that can be fetched. */
function toLinks(reference: string, base: string, { fileName, sha256 }: { fileName?: string; sha256?: string }): Link[] {
  if (!URL.canParse(reference, base)) return [];
  const url = new URL(reference, base);
  if (!(['http:', 'https:'].includes(url.protocol) || (url.protocol === 'file:' && base.startsWith('file:')))) return [];
  const declared = sha256 ?? /^#(?:.*&)?sha256=([^&]*)/.exec(url.hash)?.[1];
  url.hash = '';
  return [{ url: url.href, fileName: fileName ?? lastName(url), sha256: declared?.toLowerCase() ?? null }];
}

/** What a URL's path ends with. */
export function lastName({ pathname }: URL): string {
  const name = pathname.slice(pathname.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
