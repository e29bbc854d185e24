/** The cleaning that open_clip's tokenizer gives a text before it looks for tokens. */
import { fixCharacters, fixText } from './fix-text';
import { unescapeHtml } from './html';
import { looksMisread } from './mojibake';
import { collapseWhitespace, strip } from './python-text';

/**
 * `lower`: also in lower case; `whitespace`: case is kept; `canonicalize`: in lower case, without ASCII's punctuation, as SigLIP was
 * trained. As `tokenizer.clean` of a bundle's manifest.
 */
export type CleanMode = 'lower' | 'whitespace' | 'canonicalize';

const PLAIN = /^[ -%'-~]*$/;

/** Python's `string.punctuation` but the underscore, which becomes a blank. */
const PUNCTUATION = /[!-/:-@[-^`{-~]/g;

/** Repairs the text (ftfy), resolves HTML references twice, collapses white space, and does what the mode says. */
export function cleanText(text: string, mode: CleanMode): string {
  // Printable ASCII without "&" holds nothing to repair.
  const repaired = PLAIN.test(text) ? text : strip(unescapeHtml(unescapeHtml(fixText(text))));
  if (mode === 'canonicalize') return collapseWhitespace(repaired.replaceAll('_', ' ').replace(PUNCTUATION, '').toLowerCase());
  const collapsed = collapseWhitespace(repaired);
  return mode === 'lower' ? collapsed.toLowerCase() : collapsed;
}

/**
 * True where cleaning `prefix + ", " + text` gives what cleaning the two apart gives, for every prefix for which this is
 * true as well. Then the tokens of the joined text are those of `prefix + ","` and of `text`, in this order.
 * False says only that nothing is promised: stray HTML, or letters that may be repaired differently in company.
 */
export function splitsCleanly(text: string): boolean {
  if (PLAIN.test(text)) return !text.includes('<');
  // Alone and in the middle of a prompt: a repair of the encoding would look at all of it.
  return [text, `${text},`, `, ${text}, a`].every(isRepairedByCharacter);
}

/** True where nothing but single characters and their neighbours decides what becomes of the text. */
function isRepairedByCharacter(text: string): boolean {
  for (let stage = text; ; ) {
    if (/[&<\n\r\x85\u2028\u2029]/.test(stage) || looksMisread(stage)) return false;
    const next = fixCharacters(stage);
    if (next === stage) return true;
    stage = next;
  }
}
