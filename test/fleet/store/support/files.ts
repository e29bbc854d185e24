/** Files and names for the tests of stores. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

/** A new file in the folder. */
export function newFile(folder: string, content: Uint8Array | string): string {
  const file = path.join(folder, randomBytes(6).toString('hex'));
  writeFileSync(file, content);
  return file;
}

export async function all(names: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const name of names) found.push(name);
  return found;
}
