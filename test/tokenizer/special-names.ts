/** Texts that hold the names of special tokens, of this tokenizer's own and of others': in the reference some of them become that token. */

const NAMES = [
  ...['[SEP]', '[CLS]', '[PAD]', '[UNK]', '[MASK]', '[DEC]', '[ENC]', '[unused1]'],
  ...['<s>', '</s>', '<pad>', '<unk>', '<mask>', '<eos>', '<bos>', '<extra_id_0>', '<0x41>'],
  ...['<|endoftext|>', '<|startoftext|>', '<start_of_text>', '<end_of_text>', 'eng_Latn', 'deu_Latn', '▁', '▁▁'],
];

const AROUND = [' ', '  ', '\t', '\u00a0', ',', ', ', '.', '-', "'", 'a', 'word', ' a cat', 'É', '漢', '1', '_', '<', '[', '>', ']', ''];

/** Each name alone, in words, and twice; then as many composed of names and what may be beside them, the same for the same seed. */
export function specialNames(count: number, seed: number): string[] {
  let state = seed + 1;
  const below = (most: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % most;
  };
  const one = (list: readonly string[]): string => list[below(list.length)] as string;
  const plain = NAMES.flatMap((name) => [
    ...[name, ` ${name}`, `a ${name} b`, `a${name}b`, `${name}${name}`, `${name}, a cat`, `a cat, ${name}`],
    ...[name.toLowerCase(), name.toUpperCase(), name.slice(0, -1), name.slice(1), `${name.slice(0, 2)} ${name.slice(2)}`],
  ]);
  const composed = Array.from({ length: count }, () =>
    Array.from({ length: 1 + below(8) }, () => (below(3) === 0 ? one(NAMES) : one(AROUND))).join(''),
  );
  return [...plain, ...composed];
}
