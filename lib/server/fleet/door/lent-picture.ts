/** A picture, for as long as a worker may fetch it. */

import type { SentPicture } from '../../pictures/picture';
import { forgotten } from '../../work/describe';
import type { PictureRef } from '../wire';
import type { Loan } from './blobs';

/** Throws 404 where its bytes are gone. */
export function lentPicture({ id, bytes }: SentPicture, loan: Loan): PictureRef {
  const release = bytes?.hold();
  if (!bytes || !release) throw forgotten();
  return { id, at: loan.lend(bytes.source, release) };
}
