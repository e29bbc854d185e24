/** Names of repositories, revisions and files. They become addresses and paths, so nothing else may be in them. */
import { InterrogatorError } from '../errors';
import { hubEndpoint } from './environment';

/** Throws ERR_INVALID_ARGUMENT unless it is `name` or `owner/name` as the hub has them. */
export function requireRepository(repository: string): void {
  const isName = /^(?:[\w.-]{1,96}\/)?[\w.-]{1,96}$/.test(repository) && repository.split('/').every((part) => /^\w(?:.*\w)?$/.test(part));
  if (isName && !/--|\.\.|\.git$/.test(repository)) return;
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${show(repository)} is not the name of a repository of the hub.`, {
    hint: 'It is like owner/name, of letters, digits, dots, hyphens and underscores.',
  });
}

/** Throws ERR_INVALID_ARGUMENT unless it leads to a place below the folder that it is looked up in. `what`: of which it is the name. */
export function requireRelative(name: string, what: 'file' | 'revision'): void {
  const isClean = typeof name === 'string' && name.length <= 1024 && !/[\x00-\x1f\x7f\\]/.test(name);
  const isPortable = process.platform !== 'win32' || !/[<>:"|?*]/.test(name);
  if (isClean && isPortable && name.split('/').every((part) => !['', '.', '..'].includes(part))) return;
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${show(name)} is not the name of a ${what} of a repository.`, {
    hint: 'It is a relative path with slashes, without . and .. in it.',
  });
}

export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/** Where the file's content is to be had. */
export function fileUrl(repository: string, revision: string, file: string): string {
  const name = file.split('/').map(encodeURIComponent).join('/');
  return `${hubEndpoint()}/${repository}/resolve/${encodeURIComponent(revision)}/${name}`;
}

/** The file that an address of the hub is of; undefined for other addresses. */
export function fileOf(url: string): { repository: string; revision: string; file: string } | undefined {
  const endpoint = new URL(`${hubEndpoint()}/`).href;
  if (!url.startsWith(endpoint)) return undefined;
  const parts = /^((?:[^/?#]+\/)?[^/?#]+)\/resolve\/([^/?#]+)\/([^?#]+)$/.exec(url.slice(endpoint.length));
  try {
    const [repository, revision, file] = (parts ?? []).slice(1).map(decodeURIComponent);
    return repository && revision && file ? { repository, revision, file } : undefined;
  } catch {
    // A percent sign that stands for itself.
    return undefined;
  }
}

/** Where the facts about a repository are to be had. */
export function infoUrl(repository: string, revision: string): string {
  return `${hubEndpoint()}/api/models/${repository}/revision/${encodeURIComponent(revision)}`;
}

function show(name: unknown): string {
  return JSON.stringify(String(name).slice(0, 200));
}
