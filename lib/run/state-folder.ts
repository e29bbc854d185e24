/** Where a run keeps its state. */
import { isUtf8 } from 'node:buffer';
import path from 'node:path';
import { localPath, type RunInput } from './inputs';
import { statOf } from './inputs/file-picture';
import { isTableName } from './inputs/tables/by-name';
import { isTableUrl } from './inputs/url-sources';
import { STATE_FOLDER } from './ledger/state';
import type { RunOptions } from './options';

/**
 * The folder that the options name; else `.torch-interrogator` beside the first table, in the only folder of pictures, or, for several of
 * them, lists, shards, and a folder whose path is not UTF-8, in the working directory. Undefined for single pictures of which nothing is
 * written, and where the state is null.
 */
export async function stateFolderOf(inputs: readonly RunInput[], options: RunOptions): Promise<string | undefined> {
  const { state, out = [], report, sidecar, embed, from = [] } = options;
  if (state === null) return undefined;
  if (state !== undefined) return path.resolve(state);
  const [table = report] = out;
  if (table !== undefined) return path.join(path.dirname(path.resolve(table)), STATE_FOLDER);
  const paths = inputs.map(localPath);
  const kinds = await Promise.all(inputs.map((input, i) => kindOf(input, paths[i])));
  const [first] = paths;
  // The names of files in a state folder are UTF-8: a folder that is not cannot be named in front of them.
  if (kinds.length === 1 && from.length === 0 && kinds[0] === 'folder' && first && isUtf8(first)) {
    return path.join(path.resolve(first.toString()), STATE_FOLDER);
  }
  const keeps = from.length > 0 || sidecar !== undefined || embed !== undefined || kinds.some((kind) => kind !== 'picture');
  return keeps ? path.resolve(STATE_FOLDER) : undefined;
}

/** `file`: the input's path, where it has one. */
async function kindOf(input: RunInput, file: Buffer | undefined): Promise<'folder' | 'set' | 'picture'> {
  if (!file) return isTableUrl(String((input as Partial<URL>).href ?? input)) ? 'set' : 'picture';
  const found = await statOf(file);
  if (found?.isDirectory()) return 'folder';
  return isTableName(file.toString()) ? 'set' : 'picture';
}
