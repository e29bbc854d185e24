/**
 * A stand-in for the model hub on this machine: repositories are folders, ROOT/owner/name. It has the routes, headers and refusals that
 * huggingface_hub 0.36 meets at the real one, and misbehaves on demand. A branch `main` is all that a repository has; its commit changes
 * with its files.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface HubOptions {
  /** Files from this size on are large: they lie at a second origin. Default 1 MB. */
  largeFrom?: number;
  /** Bytes a second for a content; default as fast as it goes. */
  speed?: number;
  /** The one token that is known. */
  token?: string;
  /** Repositories that the token's account may not read until it has accepted their terms. */
  gated?: string[];
  /** Repositories that are there for the token alone. */
  private?: string[];
  /** Names that repositories had, as `roberta-base`: who asks for one is sent on to the new name. */
  renamed?: Record<string, string>;
  /** PEM texts: then it is spoken to over https. */
  tls?: { key: string; cert: string };
}

/** What to do wrong, to requests that fit. The first fault that fits is taken. */
export interface Fault {
  /** The request's path holds this. Default: any. */
  path?: string;
  method?: 'GET' | 'HEAD';
  /** Which of the two servers: the hub itself, or the one with the large contents. Default: either. */
  at?: 'hub' | 'store';
  /** How often. Default 1; -1 is always. */
  times?: number;
  /** Break the connection after so many bytes of the content. */
  cutAfter?: number;
  /** Answer with this status. */
  status?: number;
  retryAfter?: string;
  /** Turn a bit of the byte at this place of the content. */
  flip?: number;
  /** Answer with a page of HTML and status 200, as networks do until somebody signs in. */
  page?: boolean;
  /** Redirect there. */
  redirect?: string;
  /** Never answer. */
  silent?: boolean;
  /** Say nothing more after so many bytes of the content. */
  stallAfter?: number;
  /** Give the content this ETag. */
  etag?: string;
  /** Leave these headers out. */
  without?: string[];
  /** Answer a range with one that begins so many bytes later. */
  rangeOff?: number;
  /** Send the whole whatever range was asked for. */
  noRanges?: boolean;
  /** Announce so many bytes more than there are. */
  longer?: number;
}

export interface LoggedRequest {
  at: 'hub' | 'store';
  method: string;
  path: string;
  status: number;
  /** Of the request. */
  range?: string;
  ifRange?: string;
  authorization?: string;
  userAgent?: string;
}

interface RepositoryFile {
  name: string;
  file: string;
  size: number;
  gitBlob: string;
  sha256: string;
  isLarge: boolean;
}

export class StandInHub {
  readonly requests: LoggedRequest[] = [];
  /** Bytes of contents that were sent, by repository and file. */
  readonly sent: Record<string, number> = {};
  readonly faults: Fault[] = [];
  /** The repositories whose terms the token's account has accepted. */
  readonly accepted = new Set<string>();
  speed: number;
  private readonly hub: Server;
  private readonly store: Server;
  private readonly hashes = new Map<string, { gitBlob: string; sha256: string }>();

  private constructor(
    private readonly root: string,
    private readonly options: HubOptions,
  ) {
    this.speed = options.speed ?? Number.POSITIVE_INFINITY;
    const create = (listener: (request: IncomingMessage, response: ServerResponse) => void): Server =>
      options.tls ? createSecureServer(options.tls, listener) : createServer(listener);
    this.hub = create((request, response) => void this.answer('hub', request, response));
    this.store = create((request, response) => void this.answer('store', request, response));
  }

  static async start(root: string, options: HubOptions = {}, port = 0): Promise<StandInHub> {
    const hub = new StandInHub(root, options);
    const listen = (server: Server, at: number): Promise<void> => new Promise((resolve) => void server.listen(at, '127.0.0.1', resolve));
    await listen(hub.hub, port);
    await listen(hub.store, 0);
    return hub;
  }

  /** For HF_ENDPOINT. */
  get endpoint(): string {
    return this.urlOf(this.hub);
  }

  /** Of all contents together. */
  get bytesSent(): number {
    return Object.values(this.sent).reduce((sum, bytes) => sum + bytes, 0);
  }

  async stop(): Promise<void> {
    for (const server of [this.hub, this.store]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  /** The commit that `main` of the repository is at. */
  commitOf(repository: string): string {
    const listing = this.filesOf(repository).map(({ name, sha256 }) => `${name} ${sha256}\n`);
    return createHash('sha1').update(repository).update(listing.join('')).digest('hex');
  }

  private urlOf(server: Server): string {
    return `${this.options.tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  private async answer(at: 'hub' | 'store', request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = request;
    const { pathname, searchParams } = new URL(url, 'http://hub');
    const logged: LoggedRequest = {
      at,
      method,
      path: decodeURIComponent(pathname),
      status: 0,
      ...(headers.range !== undefined && { range: headers.range }),
      ...(headers['if-range'] !== undefined && { ifRange: String(headers['if-range']) }),
      ...(headers.authorization !== undefined && { authorization: headers.authorization }),
      ...(headers['user-agent'] !== undefined && { userAgent: headers['user-agent'] }),
    };
    this.requests.push(logged);
    response.on('error', () => {});
    const fault = this.faultFor(at, method, logged.path);
    for (const name of fault.without ?? []) {
      const { setHeader } = response;
      response.setHeader = (key, value) => (key.toLowerCase() === name ? response : setHeader.call(response, key, value));
    }
    if (fault.silent) return;
    if (fault.page)
      send(response, 200, { 'content-type': 'text/html; charset=utf-8' }, '<!DOCTYPE html><title>Welcome to the train</title>');
    else if (fault.redirect !== undefined) send(response, 302, { location: fault.redirect });
    else if (fault.status !== undefined) {
      send(response, fault.status, { ...(fault.retryAfter !== undefined && { 'retry-after': fault.retryAfter }) }, 'Something is wrong');
    } else {
      await (at === 'hub'
        ? this.answerHub(request, response, pathname, searchParams, fault)
        : this.answerStore(request, response, pathname, fault));
    }
    logged.status = response.statusCode;
  }

  private faultFor(at: 'hub' | 'store', method: string, where: string): Fault {
    const fits = (fault: Fault): boolean =>
      (fault.times ?? 1) !== 0 && where.includes(fault.path ?? '') && (fault.method ?? method) === method && (fault.at ?? at) === at;
    const fault = this.faults.find(fits);
    if (!fault) return {};
    fault.times = (fault.times ?? 1) - 1;
    return fault;
  }

  private async answerHub(
    request: IncomingMessage,
    response: ServerResponse,
    pathname: string,
    query: URLSearchParams,
    fault: Fault,
  ): Promise<void> {
    const [, api = '', older = '', rest = ''] = /^(\/api\/models)?\/([^/]+)(\/(?:resolve|revision)\/.+)$/.exec(pathname) ?? [];
    const renamed = this.options.renamed?.[older];
    if (renamed !== undefined) return send(response, 307, { location: `${api}/${renamed}${rest}` });
    const info = /^\/api\/models\/([^/]+\/[^/]+)(?:\/revision\/([^/]+))?$/.exec(pathname);
    const file = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(pathname);
    const [, repository = '', revision = 'main'] = (info ?? file ?? []).map((part) => part && decodeURIComponent(part));
    if (!repository) return refuse(response, 404, undefined, 'Sorry, we cannot find the page you are looking for.');

    const { token, gated = [], private: hidden = [] } = this.options;
    const shown = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1];
    if (shown !== undefined && shown !== token) {
      return refuse(response, 401, undefined, 'Invalid credentials in Authorization header');
    }
    if (!existsSync(path.join(this.root, ...repository.split('/'))) || (hidden.includes(repository) && !shown)) {
      // Without a token the hub does not say whether there is such a repository.
      if (shown === undefined) return refuse(response, 401, 'RepoNotFound', 'Invalid username or password.');
      return refuse(response, 404, 'RepoNotFound', 'Repository not found');
    }
    const commit = this.commitOf(repository);
    if (revision !== 'main' && revision !== commit) return refuse(response, 404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
    if (info) return this.sendInfo(response, repository, commit, query.get('blobs') !== null);

    if (gated.includes(repository) && !this.accepted.has(repository)) {
      const message = `Access to model ${repository} is restricted`;
      if (shown === undefined)
        return refuse(response, 401, 'GatedRepo', `${message}. You must have access to it and be authenticated to access it.`);
      return refuse(response, 403, 'GatedRepo', `${message} and you are not in the authorized list.`);
    }
    response.setHeader('X-Repo-Commit', commit);
    const name = decodeURIComponent(file?.[3] ?? '');
    const found = this.filesOf(repository).find((each) => each.name === name);
    if (!found) return refuse(response, 404, 'EntryNotFound', 'Entry not found');
    response.setHeader('Accept-Ranges', 'bytes');
    if (!found.isLarge) {
      response.setHeader('ETag', `"${found.gitBlob}"`);
      response.setHeader('Content-Type', 'text/plain; charset=utf-8');
      return this.sendContent(request, response, `${repository}/${name}`, found, fault);
    }
    response.setHeader('X-Linked-Size', String(found.size));
    response.setHeader('X-Linked-ETag', `"${found.sha256}"`);
    const signed = `${this.urlOf(this.store)}/${repository}/${found.sha256}?Expires=4102444800&Signature=${found.gitBlob}`;
    send(response, 302, { location: signed }, `Found. Redirecting to ${signed}`);
  }

  private async answerStore(request: IncomingMessage, response: ServerResponse, pathname: string, fault: Fault): Promise<void> {
    const [, repository = '', sha256 = ''] = /^\/([^/]+\/[^/]+)\/([0-9a-f]{64})$/.exec(pathname) ?? [];
    const found = repository === '' ? undefined : this.filesOf(repository).find((file) => file.sha256 === sha256);
    if (!found) return send(response, 404, { 'content-type': 'application/xml' }, '<Error><Code>NoSuchKey</Code></Error>');
    // The address is signed, for GET, and a second authentication is one too many.
    if (request.headers.authorization !== undefined) return send(response, 400, {}, '<Error><Code>InvalidArgument</Code></Error>');
    if (request.method !== 'GET') return send(response, 403, {});
    response.setHeader('Accept-Ranges', 'bytes');
    response.setHeader('Content-Type', 'binary/octet-stream');
    // Its own, which has nothing to do with the hub's.
    response.setHeader('ETag', `"${sha256.slice(32)}-7"`);
    return this.sendContent(request, response, `${repository}/${found.name}`, found, fault);
  }

  private sendInfo(response: ServerResponse, repository: string, commit: string, hasSizes: boolean): void {
    const siblings = this.filesOf(repository).map(({ name, size, gitBlob, sha256, isLarge }) => ({
      rfilename: name,
      ...(hasSizes && { size, blobId: gitBlob, ...(isLarge && { lfs: { sha256, size, pointerSize: 134 } }) }),
    }));
    const [author] = repository.split('/');
    const isGated = this.options.gated?.includes(repository) ? 'manual' : false;
    const facts = { id: repository, modelId: repository, author, sha: commit, private: false, gated: isGated, disabled: false };
    const rest = { tags: [], downloads: 0, likes: 0, lastModified: '2024-01-01T00:00:00.000Z', createdAt: '2024-01-01T00:00:00.000Z' };
    send(response, 200, { 'content-type': 'application/json; charset=utf-8' }, JSON.stringify({ ...facts, ...rest, siblings }));
  }

  private async sendContent(
    request: IncomingMessage,
    response: ServerResponse,
    key: string,
    { file, size }: RepositoryFile,
    fault: Fault,
  ): Promise<void> {
    if (fault.etag !== undefined) response.setHeader('ETag', fault.etag);
    const etag = response.getHeader('etag');
    const { range = '', 'if-range': version = etag } = request.headers;
    const [, first = '', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? [];
    const isPart = first !== '' && version === etag && !fault.noRanges;
    const start = isPart ? Number(first) + (fault.rangeOff ?? 0) : 0;
    const end = isPart && last !== '' ? Math.min(Number(last), size - 1) : size - 1;
    if (start >= size && size > 0) return send(response, 416, { 'content-range': `bytes */${size}` });
    if (isPart) response.setHeader('Content-Range', `bytes ${start}-${end}/${size}`);
    response.setHeader('Content-Length', String(end - start + 1 + (fault.longer ?? 0)));
    response.writeHead(isPart ? 206 : 200);
    if (request.method === 'HEAD' || size === 0) return void response.end();
    let at = start;
    let due = performance.now();
    for await (const chunk of createReadStream(file, { start, end, highWaterMark: 1 << 16 })) {
      if (response.destroyed) return;
      let piece = chunk as Buffer;
      if (fault.flip !== undefined && fault.flip >= at && fault.flip < at + piece.length) {
        piece = Buffer.from(piece);
        const place = fault.flip - at;
        piece[place] = (piece[place] as number) ^ 1;
      }
      const most = Math.min(fault.cutAfter ?? Number.POSITIVE_INFINITY, fault.stallAfter ?? Number.POSITIVE_INFINITY) - (at - start);
      const isEnd = piece.length >= most;
      if (isEnd) piece = piece.subarray(0, most);
      // Counted when the system has taken it.
      await new Promise<void>((resolve) => {
        response.once('close', resolve);
        response.write(piece, (error) => {
          response.off('close', resolve);
          if (!error) this.sent[key] = (this.sent[key] ?? 0) + piece.length;
          resolve();
        });
      });
      at += piece.length;
      if (isEnd && fault.stallAfter !== undefined) return;
      if (isEnd) {
        // What was sent arrives first.
        await sleep(30);
        return void response.destroy();
      }
      // What was late is not made up for.
      due = Math.max(due, performance.now()) + (piece.length / this.speed) * 1000;
      const early = due - performance.now();
      if (early > 1) await sleep(early);
    }
    response.end();
  }

  private filesOf(repository: string): RepositoryFile[] {
    const folder = path.join(this.root, ...repository.split('/'));
    if (!existsSync(folder)) return [];
    const names = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => statSync(path.join(entry.parentPath ?? entry.path, entry.name)).isFile())
      .map((entry) =>
        path
          .relative(folder, path.join(entry.parentPath ?? entry.path, entry.name))
          .split(path.sep)
          .join('/'),
      );
    return names.sort().map((name) => {
      const file = path.join(folder, name);
      const { size } = statSync(file);
      return { name, file, size, isLarge: size >= (this.options.largeFrom ?? 1_000_000), ...this.hashesOf(file) };
    });
  }

  private hashesOf(file: string): { gitBlob: string; sha256: string } {
    const { size, mtimeMs, ino } = statSync(file);
    const key = `${file} ${ino} ${size} ${mtimeMs}`;
    const known = this.hashes.get(key);
    if (known) return known;
    const content = readFileSync(file);
    const made = {
      gitBlob: createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex'),
      sha256: createHash('sha256').update(content).digest('hex'),
    };
    this.hashes.set(key, made);
    return made;
  }
}

function send(response: ServerResponse, status: number, headers: Record<string, string>, body = ''): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.writeHead(status).end(response.req.method === 'HEAD' ? '' : body);
}

function refuse(response: ServerResponse, status: number, code: string | undefined, message: string): void {
  const headers = { 'X-Error-Message': message, 'content-type': 'application/json; charset=utf-8', ...(code && { 'X-Error-Code': code }) };
  send(response, status, headers, JSON.stringify({ error: message }));
}
