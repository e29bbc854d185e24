/** A Python package index on this machine: pages in JSON or HTML, files, and whatever else a test wants it to answer. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Wheel } from '../../lib/wheels';
import { zip } from './zip';

export type TestWheel = Wheel & { content: Buffer };
export const JSON_TYPE = 'application/vnd.pypi.simple.v1+json';

export function makeWheel(name: string, version: string, entries: Record<string, string | Uint8Array>): TestWheel {
  const content = zip(entries);
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { name, version, file: `${name.replaceAll('-', '_')}-${version}-py3-none-any.whl`, sha256, content };
}

export class PackageIndex {
  /** What was asked for, in order: `GET /simple/torch/`. */
  readonly requests: IncomingMessage[] = [];
  form: 'json' | 'html' = 'json';
  /** Answers in place of the index where it returns true. */
  instead: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly wheels: TestWheel[],
  ) {
    server.on('request', (request, response) => this.answer(request, response));
    server.on('connection', (socket: Socket) => this.sockets.add(socket.once('close', () => this.sockets.delete(socket))));
  }

  static async start(wheels: TestWheel[] = []): Promise<PackageIndex> {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return new PackageIndex(server, wheels);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.origin}/simple`;
  }

  get paths(): string[] {
    return this.requests.map(({ url = '' }) => url);
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push(request);
    if (this.instead(request, response)) return;
    const [, folder, name = ''] = (request.url ?? '').split('/');
    const file = this.wheels.find((wheel) => wheel.file === name);
    if (folder === 'files' && file) {
      response.writeHead(200, { 'content-length': file.content.length }).end(file.content);
      return;
    }
    const wheels = this.wheels.filter((wheel) => wheel.name === name);
    if (folder !== 'simple' || wheels.length === 0 || !request.url?.endsWith('/')) {
      response.writeHead(404).end();
      return;
    }
    if (this.form === 'json') {
      const files = wheels.map(({ file: filename, sha256 }) => ({
        filename,
        url: `../../files/${filename}`,
        hashes: { sha256 },
        yanked: false,
      }));
      response.writeHead(200, { 'content-type': JSON_TYPE }).end(JSON.stringify({ meta: { 'api-version': '1.1' }, name, files }));
      return;
    }
    const links = wheels.map((wheel) => `<a data-yanked="" href="../../files/${wheel.file}#sha256=${wheel.sha256}">${wheel.file}</a><br/>`);
    response
      .writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
      .end(`<!DOCTYPE html><html><body>${links.join('')}</body></html>`);
  }
}
