/** Base64, as clients write it: with line ends, in the alphabet of URLs, with JSON's escapes. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Refusal } from '../answers/refusal';

/** Characters that take less than 1 ms. A multiple of four. */
const SLICE = 1 << 18;
const BACKSLASH = 0x5c;
const STRANGER = /[^A-Za-z0-9+/_-]/;

/**
 * The bytes of a Base64 text, given as characters of one byte each. Rejects with 400 for what is no Base64: Node.js would leave out what it
 * does not know, and give noise.
 */
export async function fromBase64(text: Buffer): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(Math.floor((text.length / 4) * 3) + 3);
  let length = 0;
  let left = '';
  for (let at = 0, end = 0; at < text.length; at = end) {
    if (at > 0) await nextTurn();
    end = Math.min(at + SLICE, text.length);
    // An escape that is cut in two leaves its letter, which would be taken for a digit.
    if (text[end - 1] === BACKSLASH) end = Math.min(end + 1, text.length);
    const isLast = end === text.length;
    const raw = text.toString('latin1', at, end);
    let digits = left + (/[\s\\]/.test(raw) ? raw.replace(/\\[nrt]|[\s\\]/g, '') : raw);
    if (isLast) digits = digits.replace(/={1,2}$/, '');
    if (STRANGER.test(digits)) throw noBase64();
    const whole = isLast ? digits.length : digits.length - (digits.length % 4);
    if (isLast && whole % 4 === 1) throw noBase64();
    left = digits.slice(whole);
    length += bytes.write(digits.slice(0, whole), length, 'base64');
  }
  return bytes.subarray(0, length);
}

function noBase64(): Refusal {
  return new Refusal(400, 'ERR_IMAGE_ENCODING', 'The picture is no Base64.', {
    hint: 'Give the Base64 of the file, or data:image/png;base64,…; or send the file itself as multipart/form-data.',
  });
}
