/** Python's notions of white space in a `str`, which differ from JavaScript's in U+001C–U+001F, U+0085 and U+FEFF. */
const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

/** The inside of a regular expression class: what `str.isspace()` is true for. */
export const PYTHON_SPACE_CLASS = SPACE;

const RUN = new RegExp(`[${SPACE}]+`, 'g');
const ENDS = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, 'g');

/** `text.strip()` */
export function strip(text: string): string {
  return text.replace(ENDS, '');
}

/** `' '.join(text.split())` */
export function collapseWhitespace(text: string): string {
  return strip(text).replace(RUN, ' ');
}
