/** What tells one model from another, wherever its files are. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Bundle } from './bundle';

/** SHA-256, hexadecimal digits. Folders do not count: they are others on another machine. */
export async function fingerprintOf({ folder, manifest, graph }: Bundle): Promise<string> {
  const { files, weights, source: _, ...networks } = manifest;
  const contents = Object.entries(files).map(([name, { sha256 }]) => [path.basename(name), sha256]);
  if (contents.length === 0 && weights !== undefined) contents.push(await stampOf(path.resolve(folder, weights)));
  const hash = createHash('sha256').update(JSON.stringify({ networks, contents: contents.sort() }));
  return hash.update(graph?.modules ?? '').digest('hex');
}

/** For a publisher's file whose digest nobody declared. */
async function stampOf(file: string): Promise<string[]> {
  const { size, mtimeMs } = await stat(file);
  return [path.basename(file), `${size} bytes of ${mtimeMs}`];
}
