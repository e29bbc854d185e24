/** A stream of what a source gives, piece by piece. */
import { Readable } from 'node:stream';

export interface ChunkSource {
  /** The next piece, undefined at the end. */
  next(): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

/** The source is closed with the stream, also where nobody has read of it. */
export function chunkStream(source: ChunkSource): Readable {
  return new Readable({
    read() {
      source.next().then(
        (chunk) => this.push(chunk ?? null),
        (error) => this.destroy(error),
      );
    },
    destroy(error, done) {
      source.close().then(
        () => done(error),
        () => done(error),
      );
    },
  });
}
