import { setImmediate as nextTurn } from 'node:timers/promises';
import { InterrogatorError } from '../../errors';

/** Characters that take about 2 ms where each of them is escaped, and a hundredth of it mostly. */
const SLICE = 1 << 14;
/** Milliseconds until others have their turn. */
const TURN = 1;

/** The bytes that a `data:` URL holds, a slice at a time. Messages do not repeat it: it may be long, and private. */
export async function* dataParts(url: string): AsyncGenerator<Buffer> {
  const comma = url.indexOf(',');
  if (comma < 0) {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', 'Invalid image: the data: URL has no comma before its data', {
      hint: 'It must have the form data:image/png;base64,DATA.',
    });
  }
  const isBase64 = /;\s*base64\s*$/i.test(url.slice(0, Math.min(comma, 1000)));
  let left = '';
  let since = performance.now();
  for (let at = comma + 1; at < url.length; ) {
    let end = Math.min(url.length, at + SLICE);
    // An escape is not cut in two.
    const escape = url.slice(end - 2, end).indexOf('%');
    if (end < url.length && escape >= 0) end -= 2 - escape;
    const plain = url.slice(at, end).replace(/%([0-9a-f]{2})/gi, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
    at = end;
    if (isBase64) {
      const digits = left + plain.replace(/[^A-Za-z0-9+/_-]/g, '');
      // Four digits are three bytes.
      const whole = at < url.length ? digits.length - (digits.length % 4) : digits.length;
      yield Buffer.from(digits.slice(0, whole), 'base64');
      left = digits.slice(whole);
    } else {
      yield Buffer.from(plain, 'latin1');
    }
    if (performance.now() - since < TURN) continue;
    await nextTurn();
    since = performance.now();
  }
}

const STARTS = /^(?:\/9j\/|iVBORw0KGgo|UklGR|R0lGOD|Qk[0-9A-Za-z]|SUkqA|TU0AK|AAAA[A-Za-z0-9+/]{3,4}mdHlw)/;

/** Whether what was given as a path is the text of an image in Base64. */
export function isBase64Text(text: string): boolean {
  const start = text.slice(0, 4096).replace(/^[\s"']+|[\r\n"']/g, '');
  if (start.length < 24 || /[^A-Za-z0-9+/=_-]/.test(start)) return false;
  // Without a known start: longer than any name in a folder, or than people write in one go.
  return STARTS.test(start) || start.length > 255;
}
