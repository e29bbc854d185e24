import type { Tokenizer } from '@huggingface/tokenizers';
import { InterrogatorError } from '../errors';
import { createTokenizer, readTokenizerFile } from './tokenizer-file';

/** A captioner's token ids to text. */
export class CaptionTokenizer {
  private constructor(
    private readonly tokenizer: Tokenizer,
    private readonly path: string,
  ) {}

  /**
   * Loads a bundle's tokenizer file, as `tokenizer` of the manifest names it, or that of a repository's folder. Rejects with `ERR_TOKENIZER` where that cannot be read or
   * is of an unknown kind.
   */
  static async load(folder: string, { file = 'tokenizer.json' }: { file?: string | undefined }): Promise<CaptionTokenizer> {
    const read = await readTokenizerFile(folder, file);
    return new CaptionTokenizer(createTokenizer(read), read.path);
  }

  /**
   * As transformers' `decode(ids, skip_special_tokens=True)` for BERT's tokenizers: special tokens left out, blanks before
   * punctuation and contractions taken out. Not stripped. Throws `ERR_TOKENIZER` for an id that is not in the vocabulary.
   */
  decode(ids: ArrayLike<number>): string {
    const list = Array.from(ids);
    if (list.length === 0) return '';
    for (const id of list) {
      if (this.tokenizer.id_to_token(id) === undefined) {
        throw new InterrogatorError('ERR_TOKENIZER', `The tokenizer ${this.path} has no token ${id}`, {
          hint: 'The bundle mixes files of different models: export it again.',
        });
      }
    }
    return this.tokenizer.decode(list, { skip_special_tokens: true, clean_up_tokenization_spaces: true });
  }
}
