import { Clip } from '../../lib/engine/clip';
import { type ClipTokenizer, splitsCleanly } from '../../lib/tokenizer';

/** A Clip that has its tokenizer alone. */
export function clipOfTexts(tokenizer: Pick<ClipTokenizer, 'encode'> & { longTexts: { ask: unknown } }): Clip {
  const whole = 'splitsCleanly' in tokenizer ? tokenizer : { ...tokenizer, splitsCleanly };
  return Object.assign(Object.create(Clip.prototype) as Clip, { tokenizer: whole });
}
