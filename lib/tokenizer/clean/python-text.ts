/** Python's notions of white space in a `str`, which differ from JavaScript's in U+001C–U+001F, U+0085 and U+FEFF. */

/** The inside of a regular expression class: what `str.isspace()` is true for. */
export const PYTHON_SPACE_CLASS = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const SPACE = new RegExp(`[${PYTHON_SPACE_CLASS}]`);
const RUN = new RegExp(`[${PYTHON_SPACE_CLASS}]+`, 'g');

/** `text.strip()`. A regular expression for the end would look at every run of blanks in the text from each of its places. */
export function strip(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && SPACE.test(text[start] as string)) start += 1;
  while (end > start && SPACE.test(text[end - 1] as string)) end -= 1;
  return text.slice(start, end);
}

/** `' '.join(text.split())` */
export function collapseWhitespace(text: string): string {
  return strip(text).replace(RUN, ' ');
}
