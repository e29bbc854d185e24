/** Bytes that come from no file: standard input, named pipes, `<(…)` of a shell. */
import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { addAbortSignal, type Readable } from 'node:stream';
import { InterrogatorError } from '../index';

const MOST_BYTES = 256 << 20;

export function readStandardInput(signal: AbortSignal): Promise<Buffer> {
  return readToEnd(process.stdin, 'standard input', signal);
}

/** Waits for a writer without holding a thread, so that Ctrl-C ends the wait. */
export async function readPipe(file: Buffer, name: string, signal: AbortSignal): Promise<Buffer> {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  return readToEnd(new Socket({ fd, readable: true, writable: false }), name, signal);
}

async function readToEnd(stream: Readable, name: string, signal: AbortSignal): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of addAbortSignal(signal, stream) as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MOST_BYTES) {
      throw new InterrogatorError('ERR_IO', `${name} gives more than ${MOST_BYTES} bytes.`, {
        hint: "Save it to a file, and give the file's path.",
      });
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}
