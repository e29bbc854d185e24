/** Pictures that doors lend: fetched where they are not kept from an earlier request. */
import { Refusal } from '../../answers/refusal';
import type { PictureCache } from '../../pictures/cache';
import { pictureOf, type SentPicture } from '../../pictures/picture';
import type { Spool } from '../../pictures/spool';
import type { PictureRef } from '../wire';
import type { AtDoor } from './at-door';

/** The door has its own limit. */
const MOST_BYTES = 2 ** 31;

export class SentPictures {
  constructor(
    private readonly atDoor: AtDoor,
    private readonly cache: PictureCache,
    private readonly spool: Spool,
  ) {}

  /** The picture, with its bytes for as long as `work` goes on. */
  async with<T>({ id, at }: PictureRef, signal: AbortSignal, work: (picture: SentPicture) => Promise<T>): Promise<T> {
    const kept = this.cache.find(id);
    const release = kept?.bytes?.hold();
    if (kept && release) {
      try {
        return await work(kept);
      } finally {
        release();
      }
    }
    if (at === undefined) return await work({ id, bytes: undefined });
    const fetched = pictureOf(await this.atDoor.fetch(at, signal, (body) => this.spool.collect(body, MOST_BYTES)));
    try {
      if (fetched.id !== id) throw new Refusal(502, 'ERR_NETWORK', 'The picture came damaged from the server.', { retryAfter: 1 });
      this.cache.keep(fetched);
      return await work(fetched);
    } finally {
      fetched.bytes.release();
    }
  }
}
