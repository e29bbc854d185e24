/** Stands between a store of objects and who uses it, and does what networks do. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';

/**
 * What becomes of an answer: all of it, so many bytes of its body and then the connection breaks off, or nothing: the store has done what it
 * was asked, and nobody hears of it. Or the store is asked something else: without a header, or with more in its address; or it is not asked.
 */
export type Fate =
  | { pass: true }
  | { cut: number }
  | { lost: true }
  | { without: string }
  | { query: string }
  | { status: number; body?: string };

export class FaultProxy {
  private constructor(private readonly server: Server) {}

  static async before(port: number, fateOf: (asked: IncomingMessage) => Fate): Promise<FaultProxy> {
    const server = createServer((asked, answer) => {
      const fate = fateOf(asked);
      const { method, url = '' } = asked;
      if ('status' in fate) {
        asked.resume();
        asked.once('end', () => answer.writeHead(fate.status).end(fate.body));
        return;
      }
      const path = 'query' in fate ? `${url}${url.includes('?') ? '&' : '?'}${fate.query}` : url;
      const headers = { ...asked.headers };
      if ('without' in fate) delete headers[fate.without];
      const upstream = request({ port, method, path, headers }, async (answered) => {
        if ('lost' in fate) {
          answered.resume();
          answered.once('end', () => asked.socket.destroy());
          return;
        }
        answer.writeHead(answered.statusCode as number, answered.rawHeaders);
        let passed = 0;
        for await (const chunk of answered as AsyncIterable<Buffer>) {
          const rest = 'cut' in fate ? fate.cut - passed : chunk.length;
          passed += chunk.length;
          answer.write(chunk.subarray(0, Math.max(rest, 0)));
          if (chunk.length > rest) {
            answer.uncork();
            setImmediate(() => asked.socket.destroy());
            answered.destroy();
            return;
          }
        }
        answer.end();
      });
      upstream.on('error', () => asked.socket.destroy());
      asked.pipe(upstream);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultProxy(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as { port: number }).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
