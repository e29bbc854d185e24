/** Whether what a tokenizer.json says of decoding can be run: files that anybody may have written. */
import { id, type Json, list, object, text } from './fields';
import { addedTokensOf } from './tokenizer-json';

const DEEPEST = 8;
const MOST_STEPS = 64;
/** Of what a step puts in a token's place, in UTF-16 code units. */
const LONGEST_INSERT = 16;

/** Throws an Error that names the field. */
export function checkDecoding(json: Json): void {
  addedTokensOf(json);
  checkVocabulary(object(json.model, 'model').vocab);
  if (json.decoder !== undefined && json.decoder !== null) checkDecoder(object(json.decoder, 'decoder'));
}

/** Of words by their names, or Unigram's list of words with their scores. */
function checkVocabulary(vocab: unknown): void {
  if (Array.isArray(vocab)) {
    for (const entry of vocab) text(list(entry, 'model.vocab')[0], 'model.vocab');
  } else {
    for (const each of Object.values(object(vocab, 'model.vocab'))) id(each, 'model.vocab');
  }
}

function checkDecoder(json: Json, depth = 0): void {
  if (depth > DEEPEST) throw new Error('its decoder is nested too deep');
  const type = text(json.type, 'decoder.type');
  switch (type) {
    case 'Sequence': {
      const steps = list(json.decoders, 'decoder.decoders');
      if (steps.length > MOST_STEPS) throw new Error(`its decoder has ${steps.length} steps, more than ${MOST_STEPS}`);
      for (const each of steps) checkDecoder(object(each, 'decoder.decoders'), depth + 1);
      return;
    }
    case 'Replace': {
      // A regular expression of a stranger's may take forever.
      const { String: literal } = object(json.pattern, 'decoder.pattern');
      if (typeof literal !== 'string' || literal === '')
        throw new Error(`its decoder.pattern ${JSON.stringify(json.pattern)} is not known`);
      if (text(json.content, 'decoder.content').length > LONGEST_INSERT) throw new Error('its decoder.content is too long');
      return;
    }
    case 'WordPiece':
    case 'ByteLevel':
    case 'Metaspace':
    case 'ByteFallback':
    case 'Fuse':
    case 'Strip':
    case 'BPEDecoder':
    case 'CTC':
      return;
    default:
      throw new Error(`its decoder ${type} is not known`);
  }
}
