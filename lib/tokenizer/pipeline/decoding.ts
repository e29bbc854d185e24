/** Token ids to texts as the Rust library `tokenizers` gives them: its decoders, by their names there. */
import { bytesOfLevel } from './bytes';
import type { CompiledDecoding, DecoderStep, TokenTable } from './compiled';
import { checkGrowth } from './growth';

/** The token's text; undefined where the vocabulary lacks the id. */
export function tokenOf({ ids, starts, units }: TokenTable, id: number): string | undefined {
  let [low, high] = [0, ids.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = ids[middle] as number;
    if (found === id) return String.fromCharCode(...units.subarray(starts[middle], starts[middle + 1]));
    if (found < id) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

/** A function of tokens, of which it leaves the special ones out. It throws where a step makes a text much longer. */
export function decoding({ special, steps, cleansUp }: Omit<CompiledDecoding, 'tokens'>): (tokens: readonly string[]) => string {
  const hidden = new Set(special);
  return (tokens) => {
    let parts = tokens.filter((token) => !hidden.has(token));
    // A step may write a blank for each token.
    const source = lengthOf(parts) + parts.length;
    for (const step of steps ?? []) {
      parts = decoded(parts, step);
      checkGrowth(lengthOf(parts), source);
    }
    const text = parts.join(steps ? '' : ' ');
    return cleansUp ? withoutBlanks(text, CLEANED) : text;
  };
}

function lengthOf(parts: readonly string[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function decoded(parts: readonly string[], step: DecoderStep): string[] {
  switch (step.type) {
    case 'WordPiece':
      return parts.map((part, i) => {
        const joined = i === 0 ? part : part.startsWith(step.prefix) ? part.slice(step.prefix.length) : ` ${part}`;
        return step.cleansUp ? withoutBlanks(joined, CLEANED_BY_WORD_PIECE) : joined;
      });
    case 'Metaspace':
      return parts.map((part, i) => part.replaceAll(step.replacement, i === 0 && step.dropsFirst ? '' : ' '));
    case 'BPEDecoder':
      return parts.map((part, i) => part.replaceAll(step.suffix, i === parts.length - 1 ? '' : ' '));
    case 'Strip':
      return parts.map((part) => stripped(part, step));
    case 'Replace':
      return parts.map((part) => part.replace(step.pattern, () => step.by));
    case 'Fuse':
      return [parts.join('')];
    case 'ByteLevel':
      return [Buffer.from(parts.flatMap((part) => bytesOfLevel(part) ?? [...Buffer.from(part)])).toString('utf8')];
    case 'ByteFallback':
      return withoutByteTokens(parts);
  }
}

function stripped(part: string, { content, start, stop }: Extract<DecoderStep, { type: 'Strip' }>): string {
  const characters = Array.from(part);
  let [from, to] = [0, characters.length];
  while (from < Math.min(start, characters.length) && characters[from] === content) from += 1;
  while (to > from && characters.length - to < stop && characters[to - 1] === content) to -= 1;
  return characters.slice(from, to).join('');
}

/** Tokens such as `<0xE6>` side by side become their characters. Where they are none, each becomes a replacement character. */
function withoutByteTokens(parts: readonly string[]): string[] {
  const done: string[] = [];
  let bytes: number[] = [];
  const end = (): void => {
    if (bytes.length === 0) return;
    try {
      done.push(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes)));
    } catch {
      done.push(...bytes.map(() => '\ufffd'));
    }
    bytes = [];
  };
  for (const part of parts) {
    const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(part)?.[1];
    if (byte !== undefined) bytes.push(Number.parseInt(byte, 16));
    else {
      end();
      done.push(part);
    }
  }
  end();
  return done;
}

/** transformers' clean_up_tokenization, in its order. */
const CLEANED: readonly [string, string][] = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];
const CLEANED_BY_WORD_PIECE: readonly [string, string][] = [...CLEANED.slice(0, 7), [' do not', " don't"], ...CLEANED.slice(7)];

function withoutBlanks(text: string, replacements: readonly [string, string][]): string {
  return replacements.reduce((done, [from, to]) => done.replaceAll(from, to), text);
}
