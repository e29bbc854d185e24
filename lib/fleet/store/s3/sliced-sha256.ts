/** SHA-256 of parts of a file, which requests are signed with: in slices, since a part is long. */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { Turns } from '../../../run/turns';

type Data = string | ArrayBuffer | ArrayBufferView;

/** A millisecond's work, about. */
const SLICE = 1 << 18;

export class SlicedSha256 {
  private readonly pieces: Buffer[] = [];
  private readonly hash: () => Hash | Hmac;

  constructor(secret?: Data) {
    this.hash = () => (secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret)));
  }

  update(data: Data): void {
    this.pieces.push(bytesOf(data));
  }

  reset(): void {
    this.pieces.length = 0;
  }

  async digest(): Promise<Uint8Array> {
    const turns = new Turns();
    const hash = this.hash();
    for (const piece of this.pieces) {
      for (let at = 0; at < piece.length; at += SLICE) {
        hash.update(piece.subarray(at, at + SLICE));
        await turns.pass();
      }
    }
    return hash.digest();
  }
}

function bytesOf(data: Data): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data);
}
