/** `ftfy.fix_text` of ftfy 6.3.1 with its defaults, written anew; see NOTICE for the facts that it rests on. */
import { fixC1Controls, fixEncoding } from './fix-encoding';
import { unescapeStrictHtml } from './html';

/** A line, or what ftfy repairs of a longer one at a time: a million code points. */
const SEGMENT = /[^\n]{0,999999}./gsu;

/** Repairs misread encodings, stray HTML references, ligatures, widths, quotes, line breaks and control characters. */
export function fixText(text: string): string {
  let fixed = '';
  let resolvesHtml = true;
  for (const [segment] of text.matchAll(SEGMENT)) {
    // A tag means that this is HTML from here on, and references in it are meant.
    if (segment.includes('<')) resolvesHtml = false;
    fixed += fixSegment(segment, resolvesHtml);
  }
  return fixed;
}

function fixSegment(segment: string, resolvesHtml: boolean): string {
  let text = segment;
  for (;;) {
    const previous = text;
    if (resolvesHtml) text = unescapeStrictHtml(text);
    text = fixCharacters(fixC1Controls(fixEncoding(text)));
    if (text === previous) return text;
  }
}

/** One round of the repairs that look at a character and its direct neighbours only. */
export function fixCharacters(text: string): string {
  return text
    .replaceAll('\ufb05', '\u017ft')
    .replace(LIGATURE_OR_WIDTH, (character) => character.normalize('NFKC'))
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/[\u02bc\u2018-\u201b]/g, "'")
    .replace(/\r\n|[\r\u2028\u2029\x85]/g, '\n')
    .replace(LONE_SURROGATE, '\ufffd')
    .replace(TERMINAL_ESCAPE, '')
    .replace(CONTROL, '')
    .normalize('NFC');
}

// Of U+FB05 ftfy keeps the long s: that comes first.
const LIGATURE_OR_WIDTH = /[\u0132\u0133\u0149\u01c4-\u01cc\u01f1-\u01f3\u3000\ufb00-\ufb06\uff01-\uffef]/g;

const LONE_SURROGATE = /[\ud800-\udfff]/gu;

const TERMINAL_ESCAPE = /\x1b\[[\p{Nd};]*[a-zA-Z]/gu;

// Without a visible effect; tab, line feed, form feed and carriage return are white space and stay.
const CONTROL = /[\0-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]/g;
