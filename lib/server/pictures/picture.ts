/** A picture that came with a request. */
import { rm } from 'node:fs/promises';
import type { SpoolWriter, Stored } from './spool';

/**
 * The bytes of a picture, for as long as somebody holds them: a request that works on them, the cache. A file is removed when nobody does.
 */
export class PictureBytes {
  private holders = 1;

  constructor(
    /** What the library is given. */
    readonly source: Stored,
    readonly length: number,
  ) {}

  /** Another one holds them, until it calls what this returns. Undefined where nobody did any more: they are gone. */
  hold(): (() => void) | undefined {
    if (this.holders === 0) return undefined;
    this.holders += 1;
    let isHeld = true;
    return () => {
      if (isHeld) this.release();
      isHeld = false;
    };
  }

  /** Of who made them. */
  release(): void {
    this.holders -= 1;
    if (this.holders === 0 && typeof this.source === 'string') rm(this.source, { force: true }).catch(() => {});
  }
}

export interface SentPicture {
  /** SHA-256 of its bytes, in hexadecimal digits. */
  id: string;
  /** Undefined where the client gave the id alone, and the bytes are not kept any more. */
  bytes: PictureBytes | undefined;
}

/** `writer` has ended. */
export function pictureOf(writer: SpoolWriter): SentPicture & { bytes: PictureBytes } {
  return { id: writer.digest(), bytes: new PictureBytes(writer.stored, writer.length) };
}
