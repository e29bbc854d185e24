/** Thumbnails of the first pictures of a page. */
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { type EncodedImage, thumbnail } from '../../api';
import type { Row } from '../row';

/** They are most of the page: 5 kB each. */
const MOST = 2000;
const SIZE = 160;

export class Thumbnails {
  private readonly ending = new AbortController();
  private begun = 0;

  /** A data: URL; undefined for a picture that is no file, that failed or that has changed, and for all after the first ones. */
  async of({ file, error }: Row): Promise<string | undefined> {
    if (this.begun >= MOST) return undefined;
    this.begun += 1;
    if (!file || error) return undefined;
    const small = await thumbnail(imageOf(file), { size: SIZE, signal: this.ending.signal }).catch(() => undefined);
    return small && `data:image/jpeg;base64,${small.toString('base64')}`;
  }

  abandon(): void {
    this.ending.abort();
  }
}

/** An absolute path is never taken for a URL. */
function imageOf(file: Buffer): EncodedImage {
  return isUtf8(file) ? path.resolve(file.toString()) : createReadStream(file);
}
