/** What a tokenizer.json says of decoding. Decoders that this version does not know are refused by their names. */
import type { CompiledDecoding, DecoderStep, TokenTable } from '../pipeline/compiled';
import { addedTokensOf } from './added-tokens';
import { flag, id, type Json, object, oneCharacter, text } from './fields';
import { tokensOf } from './models';
import { LONGEST_TOKEN, shared } from './tables';
import { DEEPEST, insert, MOST_STEPS, patternOf, prependsOf, stepsOf } from './tokenizer-json';

/** Throws an Error that says what is wrong. */
export function compileDecoding(json: Json): Omit<CompiledDecoding, 'cleansUp'> {
  const added = addedTokensOf(json);
  const tokens = new Map(tokensOf(object(json.model, 'model')));
  for (const { id: key, content } of added) tokens.set(key, content);
  const steps = json.decoder ? decodersOf(object(json.decoder, 'decoder')) : null;
  if (steps && steps.length > MOST_STEPS) throw new Error(`its decoder has ${steps.length} steps, more than ${MOST_STEPS}`);
  return { tokens: tableOf(tokens), special: added.filter(({ isSpecial }) => isSpecial).map(({ content }) => content), steps };
}

function tableOf(tokens: ReadonlyMap<number, string>): TokenTable {
  const ids = Int32Array.from(tokens.keys()).sort();
  const starts = new Int32Array(ids.length + 1);
  for (const [place, key] of ids.entries()) {
    const { length } = tokens.get(key) as string;
    if (length > LONGEST_TOKEN) throw new Error(`it has a token of ${length} characters`);
    starts[place + 1] = (starts[place] as number) + length;
  }
  const units = new Uint16Array(starts[ids.length] as number);
  for (const [place, key] of ids.entries()) {
    const token = tokens.get(key) as string;
    for (let i = 0; i < token.length; i += 1) units[(starts[place] as number) + i] = token.charCodeAt(i);
  }
  return { ids: shared(Int32Array, ids), starts: shared(Int32Array, starts), units: shared(Uint16Array, units) };
}

/** Sequences within sequences become one. */
function decodersOf(json: Json, depth = 0): DecoderStep[] {
  if (depth > DEEPEST) throw new Error('its decoder is nested too deep');
  const type = text(json.type, 'decoder.type');
  switch (type) {
    case 'Sequence':
      return stepsOf(json.decoders, 'decoder.decoders').flatMap((each) => decodersOf(each, depth + 1));
    case 'WordPiece':
      return [{ type, prefix: insert(json.prefix ?? '##', 'decoder.prefix'), cleansUp: flag(json.cleanup, true, 'decoder.cleanup') }];
    case 'Metaspace':
      return [{ type, replacement: oneCharacter(json.replacement, 'decoder.replacement'), dropsFirst: prependsOf(json) !== 'never' }];
    case 'BPEDecoder': {
      const suffix = insert(json.suffix ?? '</w>', 'decoder.suffix');
      if (suffix === '') throw new Error('its decoder.suffix is empty');
      return [{ type, suffix }];
    }
    case 'Strip':
      return [
        {
          type,
          content: oneCharacter(json.content, 'decoder.content'),
          start: id(json.start ?? 0, 'decoder.start'),
          stop: id(json.stop ?? 0, 'decoder.stop'),
        },
      ];
    case 'Replace':
      return [{ type, pattern: patternOf(json), by: insert(json.content, 'decoder.content') }];
    case 'ByteLevel':
    case 'ByteFallback':
    case 'Fuse':
      return [{ type }];
    default:
      throw new Error(`its decoder ${type} is not known`);
  }
}
