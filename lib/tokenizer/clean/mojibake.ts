/**
 * Does a text look as if it had been read in the wrong encoding? The heuristic is ftfy 6.3.1's (see NOTICE): letters and
 * signs next to each other that hardly anyone writes, and sequences that are typical for UTF-8 read in a code page.
 */
import { MOJIBAKE, UTF8_AS } from './mojibake-characters';
import { PYTHON_SPACE_CLASS } from './python-text';

const { common, c1, bad, law, currency, numeric, kaomoji, upperCommon, lowerCommon, box } = MOJIBAKE;
const { startPunctuation: start, endPunctuation: end, upperAccented: upper, lowerAccented: lower } = MOJIBAKE;

/** A sequence of character classes, each given by its inside. */
function sequence(...classes: string[]): string {
  return classes.map((inside) => `[${inside}]`).join('');
}

const arabic = `${common}${currency}${bad}${numeric}${start}\u0178\u0160\u00ae\u00b0\u00b5\u00bb`;

const BAD_SEQUENCES = [
  sequence(c1),
  sequence(bad + lower + upper + box + start + end + currency + numeric + law, bad),
  sequence('a-zA-Z', lowerCommon + upperCommon, bad),
  sequence(bad, lower + upper + box + start + end + currency + numeric + law),
  sequence(lower + lowerCommon + box + end + currency + numeric, upper),
  sequence(box + end + currency + numeric, lower),
  sequence(lower + box + end, currency),
  sequence(PYTHON_SPACE_CLASS, upper, currency),
  sequence(upper + box, numeric + law),
  sequence(lower + upper + box + currency + end, start, numeric),
  sequence(lower + upper + currency + numeric + box + law, end, start),
  sequence(currency + numeric + box, start),
  sequence('a-z', upper, start + currency),
  sequence(box, kaomoji),
  sequence(lower + upper + currency + numeric + start + end + law, box),
  sequence(box, end),
  sequence(lower + upper, start + end, '\\p{L}\\p{N}_'),
  '[Œœ][^A-Za-z]',
  `[${upper}]°`,
  // Windows-1252: two characters for one.
  sequence('ÂÃÎÐ', `€œŠš¢£Ÿž\u00a0\u00ad®©°·»${start}${end}–—´`),
  '×[²³]',
  `[ØÙ][${arabic}][ØÙ][${arabic}]`,
  'à[²µ¹¼½¾]',
  // MacRoman
  '√[±∂†≠®™´≤≥¥µø]',
  '≈[°¢]',
  '‚Ä[ìîïòôúùû†°¢π]',
  '‚[âó][àä°ê]',
  // Windows-1251
  'вЂ',
  sequence('ВГРС', `${c1}${bad}${start}${end}${currency}°µ`, 'ВГРС'),
  'ГўВЂВ[^\\n][A-Za-z ]',
  // Windows-1252 again: à, á and the no-break space, some with it turned into a space.
  'Ã[\u00a0¡]',
  `[a-z][${PYTHON_SPACE_CLASS}]?[ÃÂ][ ]`,
  '^[ÃÂ][ ]',
  sequence(`a-z.,?!${end}`, 'Â', ` ${start}${end}`),
  // Windows-1253
  'β€[™\u00a0Ά\u00ad®°]',
  sequence('ΒΓΞΟ', `${c1}${bad}${start}${end}${currency}°`, 'ΒΓΞΟ'),
  // Windows-1257
  'ā€',
];

const BAD = new RegExp(BAD_SEQUENCES.join('|'), 'u');

/** True where the text holds at least one sequence that is likely mojibake. */
export function looksMisread(text: string): boolean {
  return BAD.test(text);
}

/** Runs of characters that are UTF-8 sequences read in some code page. */
export const UTF8_RUN = new RegExp(
  `(?<![${UTF8_AS.continuationStrict}])(?:` +
    `[${UTF8_AS.firstOf2}][${UTF8_AS.continuation}]|` +
    `[${UTF8_AS.firstOf3}][${UTF8_AS.continuation}]{2}|` +
    `[${UTF8_AS.firstOf4}][${UTF8_AS.continuation}]{3})+`,
  'gu',
);
