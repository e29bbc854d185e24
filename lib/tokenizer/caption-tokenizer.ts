import path from 'node:path';
import { InterrogatorError } from '../errors';
import { compiledCaptionTokenizer } from './compile';
import { pipeline } from './pipeline';
import type { TokenTable } from './pipeline/compiled';
import { decoding, tokenOf } from './pipeline/decoding';
import { orUnusable, type TokenizerPlace } from './tokenizer-file';

/** A captioner's token ids to text, and the text that its captions go on from to token ids. */
export class CaptionTokenizer {
  private constructor(
    private readonly place: TokenizerPlace,
    private readonly tokens: TokenTable,
    private readonly join: (tokens: readonly string[]) => string,
    private readonly cut: (text: string) => number[],
  ) {}

  /**
   * Loads a captioner's tokenizer, as `tokenizer` of the manifest describes it: a file of the folder, or what a repository of the hub has in
   * its folder. Rejects with `ERR_TOKENIZER` where that cannot be read, or its captions cannot be decoded.
   */
  static async load(
    folder: string,
    { file, cleanUp }: { file?: string | undefined; cleanUp?: boolean | undefined },
  ): Promise<CaptionTokenizer> {
    const { compiled, decoding: found } = await compiledCaptionTokenizer(folder, { file, cleansUp: cleanUp });
    const cut = typeof compiled === 'string' ? () => cannot(compiled) : pipeline(compiled);
    return new CaptionTokenizer({ folder, file }, found.tokens, decoding(found), cut);
  }

  has(id: number): boolean {
    return tokenOf(this.tokens, id) !== undefined;
  }

  /**
   * Ids of a text, without start and end token, as the model's own tokenizer in transformers gives them. Throws `ERR_TOKENIZER` where that
   * is of an unknown kind, or has no token for something in the text.
   */
  encode(text: string): Int32Array {
    return text === '' ? new Int32Array() : Int32Array.from(orUnusable(this.place, () => this.cut(text)));
  }

  /**
   * As transformers' `decode(ids, skip_special_tokens=True)`: special tokens left out and, where the model's tokenizer does so, blanks
   * before punctuation and contractions taken out. Not stripped. Throws `ERR_TOKENIZER` for an id that is not in the vocabulary.
   */
  decode(ids: ArrayLike<number>): string {
    const tokens = Array.from(ids, (id) => {
      const token = tokenOf(this.tokens, id);
      if (token !== undefined) return token;
      throw new InterrogatorError(
        'ERR_TOKENIZER',
        `The tokenizer ${path.join(this.place.folder, this.place.file ?? '')} has no token ${id}`,
        {
          hint: 'The bundle mixes files of different models: export it again.',
        },
      );
    });
    return orUnusable(this.place, () => this.join(tokens));
  }
}

function cannot(fault: string): never {
  throw new Error(fault);
}
