/** The files below a folder whose paths begin with a prefix. */
import { opendir, rm, rmdir } from 'node:fs/promises';
import { type Named, sortNatural } from '../../../run/inputs/folders/natural-order';
import { HIDDEN } from '../names';
import { isMissing } from '../read-fault';

/** Names hold a byte in each character: so they compare by their bytes, and those that are not UTF-8 can be removed, too. */
const BYTES = 'latin1';
/** So many entries are read in one go: without a break, long folders would hold the event loop. */
const ENTRIES = 256;

interface Entry extends Named {
  readonly kind: 'file' | 'folder' | 'other';
}

/** Paths from the folder, by their bytes. Rejects with what the file system says; a folder that is not there has nothing. */
export async function* filesBelow(root: string, prefix: string): AsyncGenerator<string> {
  for await (const name of walk(root, '', asBytes(prefix))) {
    const text = Buffer.from(name, BYTES).toString();
    if (asBytes(text) === name) yield text;
  }
}

async function* walk(root: string, below: string, prefix: string): AsyncGenerator<string> {
  for (const { name, key, kind } of await entriesOf(root, below)) {
    if (name.startsWith(HIDDEN)) continue;
    const inner = below + key;
    if (kind === 'file' && inner.startsWith(prefix)) yield inner;
    else if (kind === 'folder' && touches(inner, prefix)) yield* walk(root, inner, prefix);
  }
}

/** Removes them, and folders that have nothing left. In folders whose own path begins with the prefix nothing stays. */
export async function removeBelow(root: string, prefix: string): Promise<void> {
  await removeIn(root, '', asBytes(prefix));
}

async function removeIn(root: string, below: string, prefix: string): Promise<void> {
  const isWhole = below.startsWith(prefix);
  for (const { name, key, kind } of await entriesOf(root, below)) {
    const inner = below + key;
    if (kind === 'folder' && touches(inner, prefix)) {
      await removeIn(root, inner, prefix);
      // Another may have written to it meanwhile.
      await rmdir(inFolder(root, inner)).catch(() => {});
    } else if (kind !== 'folder' && (isWhole || (inner.startsWith(prefix) && !name.startsWith(HIDDEN)))) {
      await rm(inFolder(root, inner), { force: true });
    }
  }
}

/** Something in the folder may have a path that begins with the prefix. */
function touches(folder: string, prefix: string): boolean {
  return folder.startsWith(prefix) || prefix.startsWith(folder);
}

/** In the order of what comes of them: a folder's name counts with its slash. */
async function entriesOf(root: string, below: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  try {
    for await (const entry of await opendir(inFolder(root, below), { encoding: BYTES, bufferSize: ENTRIES })) {
      const { name } = entry;
      if (entry.isDirectory()) entries.push({ name, key: `${name}/`, kind: 'folder' });
      else entries.push({ name, key: name, kind: entry.isFile() ? 'file' : 'other' });
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return await sortNatural(entries);
}

function inFolder(root: string, below: string): Buffer {
  return Buffer.concat([Buffer.from(root), Buffer.from(`/${below}`, BYTES)]);
}

function asBytes(text: string): string {
  return Buffer.from(text).toString(BYTES);
}
