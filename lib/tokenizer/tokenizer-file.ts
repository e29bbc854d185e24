import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import type { Tokenizer } from '@huggingface/tokenizers';
import { InterrogatorError } from '../errors';
import { checkDecoding } from './compile/decoding';
import type { Json } from './compile/fields';

/** A `tokenizer.json`, and the parts of it that are looked at beside the library that runs it. */
export interface TokenizerFile {
  path: string;
  json: {
    added_tokens?: { id: number; content: string }[];
    model?: { type?: string; end_of_word_suffix?: string | null };
  };
}

const decompress = promisify(brotliDecompress);

/** The largest of the hub, Gemma's, has 34 MB. */
const MOST_BYTES = 128 * 2 ** 20;

/** CLIP's own has two megabytes. What is larger is of another kind, and read in a thread. */
const LARGE = 8 * 2 ** 20;

export async function isLargeFile(folder: string, file: string): Promise<boolean> {
  return ((await stat(path.join(folder, file)).catch(() => undefined))?.size ?? 0) > LARGE;
}

/** The package's own are compressed. Throws `ERR_TOKENIZER` where the file is missing or no JSON object. */
export async function readTokenizerFile(folder: string, file: string): Promise<TokenizerFile> {
  const location = path.join(folder, file);
  try {
    const json: unknown = JSON.parse(await readText(location));
    if (typeof json !== 'object' || json === null) throw new Error('it is no JSON object');
    return { path: location, json };
  } catch (cause) {
    throw unusable(location, cause);
  }
}

async function readText(location: string): Promise<string> {
  const size = (await stat(location).catch(() => undefined))?.size ?? 0;
  if (size > MOST_BYTES) throw new Error(`its ${size} bytes are too many for a tokenizer`);
  try {
    return await readFile(location, 'utf8');
  } catch (error) {
    const compressed = await readFile(`${location}.br`).catch(() => undefined);
    if (!compressed) throw error;
    return (await decompress(compressed, { maxOutputLength: MOST_BYTES })).toString('utf8');
  }
}

/**
 * What the library makes of ids. Throws `ERR_TOKENIZER` where it does not know the kind, or a field could hold it up. The library is loaded
 * here. It gets no part that only encoding needs: it would run any regular expression of theirs.
 */
export function createDecoder({ path: location, json }: TokenizerFile): Tokenizer {
  try {
    const { Tokenizer } = require('@huggingface/tokenizers') as typeof import('@huggingface/tokenizers');
    checkDecoding(json as Json);
    return new Tokenizer({ ...json, normalizer: null, pre_tokenizer: null, post_processor: null }, {});
  } catch (cause) {
    throw unusable(location, cause);
  }
}

export function unusable(location: string, cause: unknown, { isOfHub = false } = {}): InterrogatorError {
  return new InterrogatorError('ERR_TOKENIZER', `Cannot use the tokenizer ${location}: ${(cause as Error).message}`, {
    hint: isOfHub
      ? 'Fetch it again: remove that folder, and run: npx torch-interrogator pull NAME'
      : 'Export the bundle again, or copy it again from where it came.',
    cause,
  });
}
