/** An object as a stream, which goes on where a connection broke off. */
import type { Readable } from 'node:stream';
import { pause } from '../../../abort';
import { InterrogatorError } from '../../../errors';
import { type ChunkSource, chunkStream } from '../chunk-stream';
import type { Bucket } from './bucket';
import { statusOf } from './fault';

/** So often in turn without a byte. */
const BREAKS = 4;
const PAUSE_MS = 200;

/** Rejects with ERR_IO where it is not there. */
export async function download(bucket: Bucket, name: string): Promise<Readable> {
  const source = new ObjectSource(bucket, name);
  await source.ask();
  return chunkStream(source);
}

class ObjectSource implements ChunkSource {
  private body: Readable | undefined;
  private chunks: AsyncIterator<Uint8Array> | undefined;
  /** Of the object that was there at the beginning: one that replaces it has another. */
  private etag: string | undefined;
  private size = 0;
  private done = 0;
  private breaks = 0;

  constructor(
    private readonly bucket: Bucket,
    private readonly name: string,
  ) {}

  /** For what is still missing. */
  async ask(): Promise<void> {
    const { bucket, name, done, etag } = this;
    const rest = { Range: `bytes=${done}-`, ...(etag !== undefined && { IfMatch: etag }) };
    try {
      const command = new bucket.sdk.s3.GetObjectCommand({ ...bucket.object(name), ...(done > 0 && rest) });
      const answer = await bucket.client.send(command);
      if (done === 0) {
        this.etag = answer.ETag;
        this.size = answer.ContentLength ?? 0;
      } else if (!answer.ContentRange?.startsWith(`bytes ${done}-`)) {
        (answer.Body as Readable).destroy();
        throw new InterrogatorError('ERR_NETWORK', `${bucket.shown(name)} cannot be read: ${bucket.host} does not send parts of it.`);
      }
      this.body = answer.Body as Readable;
      this.chunks = this.body[Symbol.asyncIterator]();
    } catch (error) {
      throw this.fault(error);
    }
  }

  private fault(error: unknown): InterrogatorError {
    const { bucket, name, done } = this;
    const changed = statusOf(error) === 412 || (done > 0 && statusOf(error) === 404);
    if (changed) return new InterrogatorError('ERR_IO', `${bucket.shown(name)} was replaced or removed while it was read.`);
    if ((error as Error).name === 'NoSuchKey') {
      return new InterrogatorError('ERR_IO', `${bucket.shown(name)} cannot be read: it is not there.`);
    }
    return bucket.readFault(name, error);
  }

  async next(): Promise<Uint8Array | undefined> {
    while (this.done < this.size) {
      const chunk = await this.piece();
      if (chunk) return chunk;
    }
    return undefined;
  }

  /** Undefined where the connection broke off, and there is another one now. */
  private async piece(): Promise<Uint8Array | undefined> {
    let cause: unknown = Object.assign(new Error('It ends too early'), { code: 'ECONNRESET' });
    try {
      const { value } = (await this.chunks?.next()) ?? {};
      if (value) {
        this.done += (value as Uint8Array).length;
        this.breaks = 0;
        return value as Uint8Array;
      }
    } catch (error) {
      cause = error;
    }
    this.body?.destroy();
    this.breaks += 1;
    if (this.breaks > BREAKS) throw this.bucket.readFault(this.name, cause);
    await pause(PAUSE_MS * this.breaks * (0.5 + Math.random()), undefined);
    await this.ask();
    return undefined;
  }

  async close(): Promise<void> {
    this.body?.destroy();
  }
}
