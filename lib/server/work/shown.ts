/** A picture as answers have it. */
import type { Picture } from '../contract/common';
import type { Described } from './describe';

export function pictureShown(id: string, size: Described['size']): Picture {
  return { id, ...size };
}
