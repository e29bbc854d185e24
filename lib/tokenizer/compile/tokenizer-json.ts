/** A tokenizer.json of the hub as the pipeline takes it. What this version does not know is refused by its name: other ids would be no help. */
import type { Charsmap, CompiledTokenizer, Normalizer, PreTokenizer, SplitBehavior } from '../pipeline/compiled';
import { normalizing } from '../pipeline/normalizers';
import { addedTables, addedTokensOf } from './added-tokens';
import { flag, type Json, list, object, oneCharacter, text } from './fields';
import { BLANK, compileModel } from './models';
import { shared } from './tables';

/** Nobody's tokenizer has steps in steps in steps, or so many of them. */
export const DEEPEST = 8;
export const MOST_STEPS = 64;
/** Of what a step puts into a text, in UTF-16 code units: published ones put in one character. */
const LONGEST_INSERT = 16;
/** Of what a step looks for. */
const LONGEST_LITERAL = 256;
/** Of a replacement in a table, in bytes: NFKC's longest is of 33. */
const LONGEST_REPLACEMENT = 256;

/** Throws an Error that says what is wrong. */
export function compileTokenizer(json: Json): CompiledTokenizer {
  const normalizer = json.normalizer ? normalizerOf(object(json.normalizer, 'normalizer')) : null;
  const preTokenizer = json.pre_tokenizer ? preTokenizerOf(object(json.pre_tokenizer, 'pre_tokenizer')) : null;
  const { model, wordStart } = compileModel(object(json.model, 'model'));
  const added = addedTables(addedTokensOf(json), normalizing(normalizer));
  const cutsWordsApart = cutsAtBlanks(preTokenizer) || (wordStart !== null && writesBlanks(normalizer));
  return { normalizer, preTokenizer, added, model, wordStart, cutsWordsApart };
}

function normalizerOf(json: Json, depth = 0): Normalizer {
  if (depth > DEEPEST) throw new Error('its normalizer is nested too deep');
  const type = text(json.type, 'normalizer.type');
  switch (type) {
    case 'Sequence':
      return { type, normalizers: stepsOf(json.normalizers, type).map((each) => normalizerOf(each, depth + 1)) };
    case 'Precompiled':
      return { type, charsmap: charsmapOf(Buffer.from(text(json.precompiled_charsmap, 'precompiled_charsmap'), 'base64')) };
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
    case 'Lowercase':
      return { type };
    case 'Strip':
      return { type, left: flag(json.strip_left, true, 'strip_left'), right: flag(json.strip_right, true, 'strip_right') };
    case 'Prepend':
      return { type, text: insert(json.prepend, 'prepend') };
    case 'Replace':
      return { type, pattern: patternOf(json), by: insert(json.content, 'normalizer.content') };
    case 'BertNormalizer': {
      const lowercase = flag(json.lowercase, true, 'lowercase');
      return {
        type,
        cleansText: flag(json.clean_text, true, 'clean_text'),
        partsChinese: flag(json.handle_chinese_chars, true, 'handle_chinese_chars'),
        stripsAccents: flag(json.strip_accents, lowercase, 'strip_accents'),
        lowercase,
      };
    }
    default:
      throw new Error(`its normalizer ${type} is not known`);
  }
}

/** The bytes: how long the double array is, in four bytes; the double array; the replacements. */
export function charsmapOf(bytes: Buffer): Charsmap {
  const length = bytes.length < 4 ? 0 : bytes.readUInt32LE(0);
  if (length === 0 || length % 4 !== 0 || length > bytes.length - 4) throw new Error('its table of replacements is damaged');
  const trie = Uint32Array.from({ length: length / 4 }, (_, i) => bytes.readUInt32LE(4 + 4 * i));
  const replacements = bytes.subarray(4 + length);
  for (let start = 0; start < replacements.length; ) {
    const end = replacements.indexOf(0, start);
    if ((end < 0 ? replacements.length : end) - start > LONGEST_REPLACEMENT)
      throw new Error('its table has a replacement that is too long');
    start = end < 0 ? replacements.length : end + 1;
  }
  return { trie: shared(Uint32Array, trie), replacements: shared(Uint8Array, replacements) };
}

export function stepsOf(value: unknown, what: string): Json[] {
  const steps = list(value, what);
  if (steps.length > MOST_STEPS) throw new Error(`its ${what} has ${steps.length} steps, more than ${MOST_STEPS}`);
  return steps.map((each) => object(each, what));
}

export function insert(value: unknown, what: string): string {
  const inserted = text(value, what);
  if (inserted.length > LONGEST_INSERT) throw new Error(`its ${what} is too long`);
  return inserted;
}

const BEHAVIORS: readonly unknown[] = [
  'Removed',
  'Isolated',
  'MergedWithPrevious',
  'MergedWithNext',
  'Contiguous',
] satisfies SplitBehavior[];

function preTokenizerOf(json: Json, depth = 0): PreTokenizer {
  if (depth > DEEPEST) throw new Error('its pre_tokenizer is nested too deep');
  const type = text(json.type, 'pre_tokenizer.type');
  switch (type) {
    case 'Sequence':
      return { type, pretokenizers: stepsOf(json.pretokenizers, type).map((each) => preTokenizerOf(each, depth + 1)) };
    case 'Metaspace': {
      const replacement = oneCharacter(json.replacement, 'pre_tokenizer.replacement');
      return { type, prepends: prependsOf(json), replacement, splits: flag(json.split, true, 'split') };
    }
    case 'ByteLevel':
      return {
        type,
        prependsBlank: flag(json.add_prefix_space, true, 'add_prefix_space'),
        splits: flag(json.use_regex, true, 'use_regex'),
      };
    case 'WhitespaceSplit':
    case 'BertPreTokenizer':
      return { type };
    case 'Split': {
      const { behavior } = json;
      if (!BEHAVIORS.includes(behavior)) throw new Error('its pre_tokenizer.behavior is not known');
      return { type, pattern: patternOf(json), behavior: behavior as SplitBehavior, inverted: flag(json.invert, false, 'invert') };
    }
    default:
      throw new Error(`its pre_tokenizer ${type} is not known`);
  }
}

/** Of a Metaspace, as a pre-tokenizer or a decoder. */
export function prependsOf(json: Json): 'always' | 'first' | 'never' {
  const prepends = flag(json.add_prefix_space, true, 'add_prefix_space') ? (json.prepend_scheme ?? 'always') : 'never';
  if (prepends === 'always' || prepends === 'first' || prepends === 'never') return prepends;
  throw new Error('its prepend_scheme is not known');
}

/** A literal, or one of the regular expressions that mean the same to JavaScript. */
export function patternOf(json: Json): RegExp {
  const { String: literal, Regex: regex } = object(json.pattern, 'pattern');
  if (typeof literal === 'string' && literal !== '' && literal.length <= LONGEST_LITERAL)
    return new RegExp(literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'gu');
  if (regex === ' {2,}') return / {2,}/gu;
  throw new Error(`its pattern ${JSON.stringify(json.pattern)} is not known`);
}

function cutsAtBlanks(preTokenizer: PreTokenizer | null): boolean {
  switch (preTokenizer?.type) {
    case 'Sequence':
      return preTokenizer.pretokenizers.some(cutsAtBlanks);
    case 'Metaspace':
    case 'ByteLevel':
      return preTokenizer.splits;
    case 'WhitespaceSplit':
    case 'BertPreTokenizer':
      return true;
    default:
      return false;
  }
}

/** Whether blanks become what words begin with. */
function writesBlanks(normalizer: Normalizer | null): boolean {
  if (normalizer?.type === 'Sequence') return normalizer.normalizers.some(writesBlanks);
  return normalizer?.type === 'Replace' && normalizer.by === BLANK && normalizer.pattern.source === ' ';
}
