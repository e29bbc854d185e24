import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Tokenizer } from '@huggingface/tokenizers';
import { InterrogatorError } from '../errors';

/** The parts of a `tokenizer.json` that are looked at beside the library that runs it. */
export interface TokenizerFile {
  path: string;
  tokenizer: Tokenizer;
  json: {
    added_tokens?: { id: number; content: string }[];
    model?: { type?: string; end_of_word_suffix?: string | null };
    decoder?: { type?: string } | null;
  };
}

/** Reads and builds a tokenizer. Throws `ERR_TOKENIZER` where the file is missing or not a tokenizer that the library knows. */
export async function loadTokenizerFile(folder: string, file = 'tokenizer.json'): Promise<TokenizerFile> {
  const location = path.join(folder, file);
  try {
    const { Tokenizer } = require('@huggingface/tokenizers') as typeof import('@huggingface/tokenizers');
    const json = JSON.parse(await readFile(location, 'utf8'));
    return { path: location, json, tokenizer: new Tokenizer(json, {}) };
  } catch (cause) {
    throw new InterrogatorError('ERR_TOKENIZER', `Cannot load the tokenizer ${location}: ${(cause as Error).message}`, {
      hint: 'Export the bundle again, or copy it again from where it came.',
      cause,
    });
  }
}
