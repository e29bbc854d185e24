/** The one HTTP client against servers and proxies that behave as some do. */
import { execFileSync } from 'node:child_process';
import { createServer, get, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from '../../lib/net/http';
import { proxyFor } from '../../lib/net/proxy';
import { shownUrl } from '../../lib/net/shown-url';
import { fetchImage } from '../support/download';

const SECRET = 'sesame';
const saved = { ...process.env };
const servers: (Server | TcpServer)[] = [];
const sockets = new Set<Socket>();

async function listen(server: Server | TcpServer): Promise<string> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => {});
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const serve = (listener: RequestListener): Promise<string> => listen(createServer(listener));
/** Answers whatever is asked with these bytes, and then closes or waits. */
const serveRaw = (answer: string, { closes }: { closes: boolean }): Promise<string> =>
  listen(createTcpServer((socket) => socket.once('data', () => (closes ? socket.end(answer) : socket.write(answer)))));

beforeEach(() => {
  for (const name of ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy']) {
    delete process.env[name];
    delete process.env[name.toUpperCase()];
  }
});
afterEach(async () => {
  process.env = { ...saved };
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function read(url: string, options: { idleMs?: number; totalMs?: number; most?: number } = {}): Promise<Buffer> {
  const answer = await request(url, options);
  const parts: Buffer[] = [];
  for await (const part of answer.body(options.most ?? 1000)) parts.push(part);
  return Buffer.concat(parts);
}

test('every request says whose it is, and asks for the plain bytes', async () => {
  let headers: IncomingHttpHeaders = {};
  const url = await serve((asked, response) => {
    headers = asked.headers;
    response.end('x');
  });
  await read(url);
  expect(headers).toMatchObject({
    'user-agent': expect.stringMatching(/^torch-interrogator\/\d+\.\d+\.\d+ \(\+https:\/\/\S+\)$/),
    'accept-encoding': 'identity',
  });
});

describe('limits', () => {
  const HEAD = 'HTTP/1.1 200 OK\r\n';

  test.each<[string, () => Promise<string>, RegExp]>([
    ['says nothing', () => serveRaw('', { closes: false }), /no answer within|Timeout/],
    ['says half a head', () => serveRaw(`${HEAD}X-Half: `, { closes: false }), /no answer within|Timeout/],
    ['stops in its body', () => serveRaw(`${HEAD}Content-Length: 9\r\n\r\n123`, { closes: false }), /Timeout/],
    ['closes in its body', () => serveRaw(`${HEAD}Content-Length: 9\r\n\r\n123`, { closes: true }), /closed|broke off|terminated/],
    ['closes in a chunk', () => serveRaw(`${HEAD}Transfer-Encoding: chunked\r\n\r\n9\r\n123`, { closes: true }), /closed|terminated/],
    ['speaks no HTTP', () => serveRaw('SSH-2.0-OpenSSH\r\n', { closes: true }), /./],
    ['closes at once', () => listen(createTcpServer((socket) => socket.destroy())), /./],
    ['compresses unasked', () => serveRaw(`${HEAD}Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n123`, { closes: true }), /gzip/],
  ])('a server that %s is a network error with what to do', async (_, start, message) => {
    await expect(read(await start(), { idleMs: 300 })).rejects.toMatchObject({
      code: 'ERR_NETWORK',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/./),
    });
  });

  test('a server that drips ends with the time for all of it', async () => {
    const url = await serve((_, response) => {
      const timer = setInterval(() => response.write('x'), 30);
      response.once('close', () => clearInterval(timer));
    });
    await expect(read(url, { idleMs: 5000, totalMs: 400 })).rejects.toMatchObject({
      code: 'ERR_NETWORK',
      message: expect.stringContaining('0.4 s'),
    });
  });

  test('an endless body ends with the bytes that may come', async () => {
    const url = await serve((_, response) => {
      const more = (): unknown => response.write(Buffer.alloc(1 << 16), (error) => error ?? setImmediate(more));
      more();
    });
    for (const most of [1, 70_000, 5_000_000]) {
      await expect(read(url, { most })).rejects.toMatchObject({ code: 'ERR_NETWORK', message: expect.stringContaining(`${most} bytes`) });
    }
  });

  test('redirects without end, and to what is no web address, are refused', async () => {
    const url = await serve((asked, response) => {
      const target = { '/loop': '/loop', '/file': 'file:///etc/passwd', '/none': 'http://' }[asked.url as string];
      response.writeHead(302, { location: target }).end();
    });
    await expect(read(`${url}/loop`)).rejects.toMatchObject({ code: 'ERR_NETWORK', message: expect.stringContaining('more than 5') });
    for (const page of ['file', 'none']) await expect(read(`${url}/${page}`)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });
});

describe('a name and a password in the address', () => {
  const withSecret = (url: string): string => url.replace('://', `://name:${SECRET}@`);

  test('go into a header, and not to another server', async () => {
    const seen: Record<string, string | undefined> = {};
    const other = await serve((asked, response) => {
      seen.other = asked.headers.authorization;
      response.end('x');
    });
    const url = await serve((asked, response) => {
      seen[asked.url as string] = asked.headers.authorization;
      response.writeHead(302, { location: asked.url === '/a' ? '/b' : other }).end();
    });
    await read(withSecret(`${url}/a`));
    const basic = `Basic ${Buffer.from(`name:${SECRET}`).toString('base64')}`;
    expect(seen).toEqual({ '/a': basic, '/b': basic, other: undefined });
  });

  test.each<[string, () => Promise<string> | string]>([
    ['no server', () => 'http://127.0.0.1:1/'],
    ['a status', () => serve((_, response) => response.writeHead(403).end())],
    ['a loop', () => serve((_, response) => response.writeHead(302, { location: '/' }).end())],
    ['a redirect to nowhere', () => serve((_, response) => response.writeHead(302, { location: 'ftp://x/' }).end())],
    ['a body cut off', () => serveRaw('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123', { closes: true })],
    ['a body too long', () => serve((_, response) => response.end(Buffer.alloc(5000)))],
    ['no port', () => 'http://127.0.0.1:99999/'],
    ['another scheme', () => 'ftp://127.0.0.1/'],
  ])('are in no message: %s', async (_, start) => {
    const failure = await fetchImage(withSecret(await start()), { maxBytes: 100, timeoutMs: 2000 }).catch((error: Error) => error);
    expect(failure).toMatchObject({ code: expect.stringMatching(/^ERR_(NETWORK|INVALID_ARGUMENT|IMAGE_SIZE)$/) });
    for (let error = failure as Error | undefined; error; error = error.cause as Error | undefined) {
      // The cause of a URL that cannot be read is Node's own error, whose message does not repeat it.
      expect(error.message).not.toContain(SECRET);
    }
    expect(shownUrl(withSecret('http://a.b/c'))).toBe('http://a.b/c');
  });
});

describe('proxies', () => {
  /** A proxy that counts whom it connects with. */
  async function startProxy(): Promise<{ url: string; asked: string[] }> {
    const asked: string[] = [];
    const named = (host: string, { 'proxy-authorization': pass }: IncomingHttpHeaders) =>
      void asked.push(pass ? `${host} authorized` : host);
    // Most let tunnels lead to the port of https alone: what is plain is asked of the proxy itself.
    const server = createServer(({ url = '', headers }, response) => {
      named(new URL(url).host, headers);
      get(url, (answer) => answer.pipe(response)).on('error', () => response.writeHead(502).end());
    });
    server.on('connect', ({ url = '', headers }, socket: Socket, head: Buffer) => {
      named(url, headers);
      const [host, port] = url.split(':');
      const upstream = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.write(head);
        upstream.pipe(socket).pipe(upstream);
      });
      sockets.add(upstream.on('error', () => socket.destroy()));
    });
    return { url: await listen(server), asked };
  }

  test('one that the environment names is used, but for addresses that need none', async () => {
    const url = await serve((_, response) => response.end('x'));
    const host = new URL(url).host;
    for (const [name, exempt, expected] of [
      ['http_proxy', '', [host]],
      ['HTTP_PROXY', '', [host]],
      ['HTTP_PROXY', 'example.org, 127.0.0.1', []],
      ['HTTPS_PROXY', '', []],
    ] as const) {
      const proxy = await startProxy();
      process.env = { ...process.env, http_proxy: '', HTTP_PROXY: '', HTTPS_PROXY: '', [name]: proxy.url, NO_PROXY: exempt };
      expect((await read(url)).toString()).toBe('x');
      expect(proxy.asked).toEqual(expected);
    }
  });

  test('its own name and password go to it, and into no message', async () => {
    const proxy = await startProxy();
    process.env.HTTP_PROXY = proxy.url.replace('://', `://name:${SECRET}@`);
    await read('http://127.0.0.1:1/', { idleMs: 1000 }).catch((error: Error) => error);
    process.env.HTTPS_PROXY = process.env.HTTP_PROXY;
    const failure = await read('https://127.0.0.1:1/', { idleMs: 1000 }).catch((error: Error) => error);
    expect(new Set(proxy.asked)).toEqual(new Set(['127.0.0.1:1 authorized']));
    // What was under way when it failed arrives by now.
    await sleep(200);
    const { length } = proxy.asked;
    await sleep(400);
    // Nobody goes on asking behind our back.
    expect(proxy.asked.length).toBe(length);

    expect(failure).toMatchObject({ code: 'ERR_NETWORK', message: expect.not.stringContaining(SECRET) });
  });

  test.each(['http', 'https'])('one that closes its connections is asked once, and named: %s', async (scheme) => {
    let connections = 0;
    const server = createTcpServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    const url = (await listen(server)).replace('://', `://name:${SECRET}@`);
    process.env = { ...process.env, HTTP_PROXY: url, HTTPS_PROXY: url, NO_PROXY: '' };
    const failure = await read(`${scheme}://127.0.0.1:1/x`, { idleMs: 20_000 }).catch((error: Error) => error);
    expect(failure).toMatchObject({ code: 'ERR_NETWORK', message: expect.stringMatching(/through the proxy http:\/\/127/) });
    expect(failure).toMatchObject({ message: expect.not.stringContaining(SECRET), hint: expect.stringContaining('https_proxy') });
    expect(connections).toBeLessThan(4);
  });

  test.each(['::::', 'socks5://127.0.0.1:1', 'http://127.0.0.1:1'])('what is no proxy, %s, is named', async (proxy) => {
    process.env = { ...process.env, HTTP_PROXY: proxy, NO_PROXY: '' };
    const failure = await read('http://127.0.0.1:2/x').catch((error: Error) => error);
    expect(failure).toMatchObject({ code: 'ERR_NETWORK', hint: expect.stringContaining('http_proxy') });
  });

  test.each<[string, Record<string, string>, string | undefined]>([
    ['https', { https_proxy: 'a:1', all_proxy: 'b:1', http_proxy: 'c:1' }, 'http://a:1'],
    ['https', { all_proxy: 'b:1', http_proxy: 'c:1' }, 'http://b:1'],
    ['https', { http_proxy: 'c:1' }, 'http://c:1'],
    ['http', { https_proxy: 'a:1', ALL_PROXY: 'https://b:1' }, 'https://b:1'],
    ['http', { https_proxy: 'a:1' }, undefined],
  ])('%s with %j goes by %s', (scheme, variables, expected) => {
    Object.assign(process.env, variables);
    expect(proxyFor(new URL(`${scheme}://example.org/`))).toBe(expected);
  });

  test.each([
    ['http://a.example.org/', 'example.org', false],
    ['http://a.example.org/', '.example.org', false],
    ['http://a.example.org/', '*.example.org', false],
    ['http://example.org/', '.example.org', false],
    ['http://notexample.org/', 'example.org', true],
    ['http://10.1.2.3/', '10.0.0.0/8', false],
    ['http://11.1.2.3/', '10.0.0.0/8', true],
    ['http://[fd00::5]/', 'fd00::/8', false],
    ['http://example.org/', '0.0.0.0/0', true],
    ['http://10.1.2.3/', '10.0.0.0/99', true],
    ['http://example.org:8080/', 'example.org:8080', false],
    ['http://example.org/', 'example.org:8080', true],
    ['http://example.org/', 'example.org:80', false],
    ['http://Example.ORG/', 'x EXAMPLE.org', false],
    ['http://[::1]:9/', '::1', false],
    ['http://[::1]:9/', '[::1]:9', false],
    ['http://[::1]:9/', '[::1]:8', true],
    ['http://x/', '*', false],
    ['http://x/', '', true],
  ])('%s with NO_PROXY=%s: %s', (url, exempt, isProxied) => {
    process.env.HTTP_PROXY = 'proxy:3128';
    process.env.NO_PROXY = exempt;
    expect(proxyFor(new URL(url))).toBe(isProxied ? 'http://proxy:3128' : undefined);
  });
});

test("the process's own fetch() keeps its own connections", async () => {
  const url = await serve((_, response) => response.end('x'));
  const script = `
    require(${JSON.stringify(path.join(__dirname, '..', 'support', 'uncompiled.cjs'))});
    const { request } = require(${JSON.stringify(path.join(__dirname, '..', '..', 'lib', 'net', 'http.ts'))});
    request(${JSON.stringify('http://127.0.0.1:1/')}).catch(() => {
      const theirs = globalThis[Symbol.for('undici.globalDispatcher.1')];
      process.stdout.write(String(theirs instanceof require('undici').Agent));
    });`;
  expect(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', env: { ...process.env, URL: url } })).toBe('false');
});
