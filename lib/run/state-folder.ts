/** Where a run keeps its state. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { RunInput } from './inputs';
import { isTableName } from './inputs/tables/by-name';
import { isTableUrl } from './inputs/url-sources';
import { STATE_FOLDER } from './ledger/state';
import type { RunOptions } from './options';

/**
 * The folder that the options name; else `.torch-interrogator` beside the first table, in the only folder of pictures, or, for several of
 * them, lists and shards, in the working directory. Undefined for single pictures of which nothing is written, and where the state is null.
 */
export async function stateFolderOf(inputs: readonly RunInput[], options: RunOptions): Promise<string | undefined> {
  const { state, out = [], report, sidecar, embed, from = [] } = options;
  if (state === null) return undefined;
  if (state !== undefined) return path.resolve(state);
  const [table = report] = out;
  if (table !== undefined) return path.join(path.dirname(path.resolve(table)), STATE_FOLDER);
  const kinds = await Promise.all(inputs.map(kindOf));
  if (inputs.length === 1 && from.length === 0 && kinds[0] === 'folder') return path.join(path.resolve(inputs[0] as string), STATE_FOLDER);
  const keeps = from.length > 0 || sidecar !== undefined || embed !== undefined || kinds.some((kind) => kind !== 'picture');
  return keeps ? path.resolve(STATE_FOLDER) : undefined;
}

async function kindOf(input: RunInput): Promise<'folder' | 'set' | 'picture'> {
  if (typeof input !== 'string') return 'picture';
  const found = await stat(input).catch(() => undefined);
  if (found?.isDirectory()) return 'folder';
  return isTableName(input) || isTableUrl(input) ? 'set' : 'picture';
}
