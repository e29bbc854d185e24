import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { InterrogatorError } from '../errors';

/** A file of a folder; without one the folder is a repository's of the hub. */
export interface TokenizerPlace {
  folder: string;
  file?: string | undefined;
}

/** A `tokenizer.json` of CLIP's kind, whose fields nobody has checked yet. */
export interface TokenizerFile extends TokenizerPlace {
  json: { added_tokens?: unknown; model?: { type?: unknown; end_of_word_suffix?: unknown } | null };
}

const decompress = promisify(brotliDecompress);

/** CLIP's own has two megabytes. What is larger is of another kind, and read in a thread. */
const LARGE = 8 * 2 ** 20;

export async function isLargeFile(folder: string, file: string): Promise<boolean> {
  return ((await stat(path.join(folder, file)).catch(() => undefined))?.size ?? 0) > LARGE;
}

/** The package's own are compressed. Throws `ERR_TOKENIZER` where the file is missing or no JSON object. */
export async function readTokenizerFile(folder: string, file: string): Promise<TokenizerFile> {
  try {
    const json: unknown = JSON.parse(await readText(path.join(folder, file)));
    if (typeof json !== 'object' || json === null) throw new Error('it is no JSON object');
    return { folder, file, json };
  } catch (cause) {
    throw unusable({ folder, file }, cause);
  }
}

async function readText(location: string): Promise<string> {
  try {
    return await readFile(location, 'utf8');
  } catch (error) {
    const compressed = await readFile(`${location}.br`).catch(() => undefined);
    if (!compressed) throw error;
    return (await decompress(compressed, { maxOutputLength: LARGE })).toString('utf8');
  }
}

/** What `use` gives; what it throws becomes `ERR_TOKENIZER` of that place. */
export function orUnusable<T>(place: TokenizerPlace, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    throw unusable(place, cause);
  }
}

export function unusable({ folder, file }: TokenizerPlace, cause: unknown): InterrogatorError {
  const location = file === undefined ? folder : path.join(folder, file);
  return new InterrogatorError('ERR_TOKENIZER', `Cannot use the tokenizer ${location}: ${(cause as Error).message}`, {
    hint:
      file === undefined
        ? 'Fetch it again: remove that folder, and run: npx torch-interrogator pull NAME'
        : 'Export the bundle again, or copy it again from where it came.',
    cause,
  });
}
