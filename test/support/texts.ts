import { Clip } from '../../lib/engine/clip';
import type { ClipTokenizer } from '../../lib/tokenizer';

/** A Clip that has its tokenizer alone. */
export function clipOfTexts(tokenizer: Pick<ClipTokenizer, 'encode'> & { longTexts: { ask: unknown } }): Clip {
  return Object.assign(Object.create(Clip.prototype) as Clip, { tokenizer });
}
