/** What `tokenizers` does to a text before it is cut: its normalizers, by the names that a tokenizer.json gives them. */
import { BERT_ACCENTS, BERT_REMOVED } from './bert-characters';
import type { Normalizer } from './compiled';
import { checkGrowth } from './growth';
import { precompiled } from './precompiled';

export type Step = (text: string) => string;

/** The function throws where the steps make a text longer than those of any real tokenizer do. */
export function normalizing(normalizer: Normalizer | null): Step {
  const steps = stepsOf(normalizer);
  return (text) => {
    let done = text;
    for (const step of steps) {
      done = step(done);
      checkGrowth(done.length, text.length);
    }
    return done;
  };
}

/** Sequences within sequences become one: growth counts from the text that came first. */
function stepsOf(normalizer: Normalizer | null): Step[] {
  if (normalizer === null) return [];
  return normalizer.type === 'Sequence' ? normalizer.normalizers.flatMap(stepsOf) : [stepOf(normalizer)];
}

function stepOf(normalizer: Exclude<Normalizer, { type: 'Sequence' }>): Step {
  switch (normalizer.type) {
    case 'Precompiled':
      return precompiled(normalizer.charsmap);
    case 'Strip': {
      const ends = [normalizer.left && '^\\p{White_Space}+', normalizer.right && '(?<!\\p{White_Space})\\p{White_Space}+$'].filter(Boolean);
      const pattern = ends.length > 0 ? new RegExp(ends.join('|'), 'gu') : undefined;
      return (text) => (pattern ? text.replace(pattern, '') : text);
    }
    case 'Prepend':
      return (text) => (text === '' ? text : normalizer.text + text);
    case 'Replace':
      return (text) => text.replace(normalizer.pattern, () => normalizer.by);
    case 'Lowercase':
      return lowercase;
    case 'BertNormalizer':
      return (text) => bertNormalized(text, normalizer);
    default:
      return (text) => text.normalize(normalizer.type);
  }
}

/** Character by character: a Greek sigma at the end of a word becomes no other one than elsewhere. */
function lowercase(text: string): string {
  return /\u03a3/.test(text) ? Array.from(text, (character) => character.toLowerCase()).join('') : text.toLowerCase();
}

const CHINESE =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;

type BertNormalizer = Extract<Normalizer, { type: 'BertNormalizer' }>;

function bertNormalized(text: string, { cleansText, partsChinese, stripsAccents, lowercase: lowers }: BertNormalizer): string {
  let done = text;
  if (/^[ -~]*$/.test(done)) return lowers ? done.toLowerCase() : done;
  if (cleansText) done = done.replace(BERT_REMOVED, '').replace(/\p{White_Space}/gu, ' ');
  if (partsChinese) done = done.replace(CHINESE, ' $& ');
  if (stripsAccents) done = done.normalize('NFD').replace(BERT_ACCENTS, '');
  return lowers ? lowercase(done) : done;
}
