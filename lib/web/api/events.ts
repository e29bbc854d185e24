/** Server-sent events over fetch: EventSource can send neither a body nor a key. */
import { RequestError, type RequestOptions, read, request } from './request';

export interface ServerEvent {
  event: string;
  data: unknown;
}

/** The events of a stream, as they come. A stream that ends early simply ends: who needs a last event looks for it. */
export async function* events(path: string, options: RequestOptions): AsyncGenerator<ServerEvent> {
  const response = await request(path, { ...options, accept: 'text/event-stream' });
  if (!response.body) throw new RequestError({ code: 'ERR_CONNECTION' });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    while (true) {
      const { done, value } = await read(() => reader.read(), options.signal);
      if (done) return;
      const blocks = (rest + value).split(/\r?\n\r?\n/);
      rest = blocks.pop()!;
      for (const block of blocks) {
        const event = parse(block);
        if (event) yield event;
      }
    }
  } finally {
    // Leaving tells the server that nobody waits any more.
    reader.cancel().catch(() => undefined);
  }
}

/** null for a comment, which keeps the connection open. */
function parse(block: string): ServerEvent | null {
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, name, value] = /^(event|data): ?(.*)$/.exec(line) ?? [];
    if (name === 'event') event = value!;
    if (name === 'data') data.push(value!);
  }
  return data.length === 0 ? null : { event, data: JSON.parse(data.join('\n')) };
}
