/** Base64, as clients write it: with line ends, in the alphabet of URLs, with JSON's escapes. */
import { open } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Refusal } from '../answers/refusal';
import type { Spool, SpoolWriter, Stored } from './spool';

/** Characters that take less than 1 ms. */
const SLICE = 128 << 10;
const STRANGER = /[^A-Za-z0-9+/_-]/;

/**
 * The bytes of a Base64 text, given as characters of one byte each, from `start` on. Rejects with 400 for what is no Base64: Node.js would
 * leave out what it does not know, and give noise.
 */
export async function fromBase64(text: Stored, spool: Spool, start = 0): Promise<SpoolWriter> {
  const writer = spool.writer();
  const bytes = Buffer.allocUnsafe(SLICE);
  let left = '';
  const decode = async (raw: string, isLast: boolean): Promise<void> => {
    let text = left + raw;
    // An escape that is cut in two would leave its letter, which would be taken for a digit.
    const cut = !isLast && text.endsWith('\\') ? '\\' : '';
    if (cut) text = text.slice(0, -1);
    let digits = /[\s\\]/.test(text) ? text.replace(/\\[nrt]|[\s\\]/g, '') : text;
    const [padding] = /={0,2}$/.exec(digits) as RegExpExecArray;
    if (padding) digits = digits.slice(0, -padding.length);
    if (STRANGER.test(digits) || (isLast && digits.length % 4 === 1)) throw noBase64();
    const whole = isLast ? digits.length : digits.length - (digits.length % 4);
    // Padding is an end: what comes behind it is no Base64.
    left = digits.slice(whole) + padding + cut;
    const length = bytes.write(digits.slice(0, whole), 0, 'base64');
    if (length > 0) await writer.write(bytes.subarray(0, length));
  };
  try {
    for await (const { raw, isLast } of slicesOf(text, start)) await decode(raw, isLast);
    await writer.end();
    return writer;
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** Others have their turn between two of them. */
async function* slicesOf(text: Stored, start: number): AsyncGenerator<{ raw: string; isLast: boolean }> {
  if (typeof text !== 'string') {
    for (let at = start; at < text.length || at === start; at += SLICE) {
      if (at > start) await nextTurn();
      yield { raw: text.toString('latin1', at, Math.min(at + SLICE, text.length)), isLast: at + SLICE >= text.length };
    }
    return;
  }
  const handle = await open(text);
  try {
    const buffer = Buffer.allocUnsafe(SLICE);
    let position = start;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, SLICE, position);
      position += bytesRead;
      const isLast = bytesRead < SLICE;
      yield { raw: buffer.toString('latin1', 0, bytesRead), isLast };
      if (isLast) return;
    }
  } finally {
    await handle.close();
  }
}

function noBase64(): Refusal {
  return new Refusal(400, 'ERR_IMAGE_ENCODING', 'The picture is no Base64.', {
    hint: 'Give the Base64 of the file, or data:image/png;base64,…; or send the file itself as multipart/form-data.',
  });
}
