import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Tokenizer } from '@huggingface/tokenizers';
import { InterrogatorError } from '../errors';
import { compiledTokenizer } from './compile';
import { pipeline } from './pipeline';
import { createDecoder, readTokenizerFile, unusable } from './tokenizer-file';

const FILE = 'tokenizer.json';
const SETTINGS = 'tokenizer_config.json';

/** A captioner's token ids to text, and the text that its captions go on from to token ids. */
export class CaptionTokenizer {
  private cut: Promise<(text: string) => number[]> | undefined;

  private constructor(
    private readonly tokenizer: Tokenizer,
    private readonly path: string,
    private readonly cleansUp: boolean,
    private readonly folder: string,
    private readonly file: string,
  ) {}

  /**
   * Loads the tokenizer file of a folder, as `tokenizer` of the manifest names it: of a bundle, of the package, or of what a hub
   * repository gave. Rejects with `ERR_TOKENIZER` where that cannot be read or is of an unknown kind.
   */
  static async load(
    folder: string,
    { file = FILE, cleanUp }: { file?: string | undefined; cleanUp?: boolean | undefined },
  ): Promise<CaptionTokenizer> {
    const read = await readTokenizerFile(folder, file);
    return new CaptionTokenizer(createDecoder(read), read.path, cleanUp ?? (await cleansUp(folder)), folder, file);
  }

  has(id: number): boolean {
    return this.tokenizer.id_to_token(id) !== undefined;
  }

  /**
   * Ids of a text, without start and end token, as the model's own tokenizer in transformers gives them. Rejects with `ERR_TOKENIZER` where
   * that is of an unknown kind, or has no token for something in the text.
   */
  async encode(text: string): Promise<Int32Array> {
    if (text === '') return new Int32Array();
    this.cut ??= compiledTokenizer(this.folder, this.file).then(pipeline);
    const cut = await this.cut;
    try {
      return Int32Array.from(cut(text));
    } catch (cause) {
      throw unusable(this.path, cause);
    }
  }

  /**
   * As transformers' `decode(ids, skip_special_tokens=True)`: special tokens left out and, where the model's tokenizer does so, blanks
   * before punctuation and contractions taken out. Not stripped. Throws `ERR_TOKENIZER` for an id that is not in the vocabulary.
   */
  decode(ids: ArrayLike<number>): string {
    const list = Array.from(ids);
    if (list.length === 0) return '';
    for (const id of list) {
      if (!this.has(id)) {
        throw new InterrogatorError('ERR_TOKENIZER', `The tokenizer ${this.path} has no token ${id}`, {
          hint: 'The bundle mixes files of different models: export it again.',
        });
      }
    }
    return this.tokenizer.decode(list, { skip_special_tokens: true, clean_up_tokenization_spaces: this.cleansUp });
  }
}

/** What a repository's settings say. Without them BERT's is meant, which does; with them, transformers' default is not to. */
async function cleansUp(folder: string): Promise<boolean> {
  const settings = await readFile(path.join(folder, SETTINGS), 'utf8').catch(() => undefined);
  if (settings === undefined) return true;
  try {
    return JSON.parse(settings)?.clean_up_tokenization_spaces === true;
  } catch (cause) {
    throw unusable(path.join(folder, SETTINGS), cause);
  }
}
