/** Server-sent events, as the HTML standard has them. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { problemOf } from './problem';
import { toRefusal } from './to-refusal';

/** Proxies close connections that are silent. */
const HEARTBEAT_MS = 15_000;
/** What a client does not read is not kept for it beyond so many bytes: it gets the next event instead. */
const MOST_BUFFERED = 1 << 20;

/** Of each server, those that are open: it cannot end before them. */
const streams = new WeakMap<object, Set<EventStream>>();

/** Ends all streams of a server. */
export function endStreams(server: object): void {
  for (const stream of streams.get(server) ?? []) stream[Symbol.dispose]();
}

export class EventStream implements Disposable {
  private readonly timer: NodeJS.Timeout;

  private constructor(private readonly reply: FastifyReply) {
    this.timer = setInterval(() => this.reply.raw.write(':\n\n'), HEARTBEAT_MS).unref();
    const { server } = reply.server;
    const open = streams.get(server) ?? new Set();
    streams.set(server, open.add(this));
    // A client that leaves ends it, too.
    reply.raw.once('close', () => this[Symbol.dispose]());
  }

  /** Takes the reply over: nothing else may be sent with it. */
  static open(reply: FastifyReply): EventStream {
    reply.hijack();
    // What hooks have set, such as the request's id and CORS.
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value);
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // nginx gathers answers otherwise.
      'x-accel-buffering': 'no',
    });
    reply.raw.flushHeaders();
    return new EventStream(reply);
  }

  /** An event without a name is what OpenAI's clients read. */
  send(data: unknown, event?: string): void {
    const { raw } = this.reply;
    if (raw.destroyed || raw.writableEnded) return;
    if (event === 'progress' && raw.writableLength > MOST_BUFFERED) return;
    const text = typeof data === 'string' ? data : JSON.stringify(data);
    raw.write(`${event === undefined ? '' : `event: ${event}\n`}data: ${text}\n\n`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.timer);
    streams.get(this.reply.server.server)?.delete(this);
    if (!this.reply.raw.writableEnded) this.reply.raw.end();
  }
}

/** Whether the client asks for events. */
export function wantsEvents({ headers }: FastifyRequest): boolean {
  return /\btext\/event-stream\b/.test(headers.accept ?? '');
}

/**
 * Answers with the progress of `work`, then its result or its error. The stream is opened with the first event: what fails before that
 * has the status of its failure.
 */
export async function streamWork<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  work: (report: (event: unknown) => void) => Promise<T>,
): Promise<FastifyReply> {
  let stream: EventStream | undefined;
  const send = (data: unknown, event: string): void => {
    stream ??= EventStream.open(reply);
    stream.send(data, event);
  };
  try {
    const result = await work((event) => send(event, 'progress'));
    request.logResult?.(result);
    send(result, 'result');
  } catch (error) {
    if (!stream) throw error;
    const refusal = toRefusal(error);
    request.failure = refusal.code;
    if (refusal.status >= 500) request.log.error({ err: error }, 'a stream failed');
    send(problemOf(refusal, request.id), 'error');
  } finally {
    stream?.[Symbol.dispose]();
  }
  return reply;
}
