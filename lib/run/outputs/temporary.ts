/** Names of files that are being written, and what becomes of those that a process has left. */
import { createHash, randomBytes } from 'node:crypto';
import { opendir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { isAlive } from '../../files/lock';
import { digestOf, Offsets } from '../ledger/offsets';
import { Turns } from '../turns';

/** What is written beside pictures. */
export const TEMPORARY_BASE = 'torch-interrogator';

/** So many names are read in one go. */
const NAMES = 256;

/** Of a share that several machines write to, each knows its own processes alone. */
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** A new hidden name: whose file it is, and which process of which machine writes it. */
export function temporaryName(base: string): string {
  return `.${base}.${HOST}-${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
}

/** Removes what processes of this machine that were killed have left in a folder. Rejects where the folder cannot be read. */
export async function removeLeft(folder: string | Buffer, base: string): Promise<void> {
  const start = Buffer.from(`.${base}.${HOST}-`).toString('latin1');
  const turns = new Turns();
  // As bytes: other names in the folder need not be UTF-8.
  for await (const { name } of await opendir(folder, { encoding: 'latin1' as BufferEncoding, bufferSize: NAMES })) {
    const isLeft = name.startsWith(start) && isOfDeadProcess(name.slice(start.length));
    if (isLeft) await rm(Buffer.concat([Buffer.from(folder), Buffer.from(`/${name}`, 'latin1')]), { force: true });
    await turns.pass();
  }
}

/** Of what is written beside pictures: a folder is looked through once, however many pictures it has. */
export class LeftFiles {
  private readonly seen = new Offsets();

  /** What cannot be read or removed stays. */
  async remove(folder: Buffer): Promise<void> {
    const key = digestOf(folder.toString('latin1'));
    if (this.seen.get(key) !== undefined) return;
    this.seen.set(key, 0);
    await removeLeft(folder, TEMPORARY_BASE).catch(() => {});
  }
}

function isOfDeadProcess(end: string): boolean {
  const [, pid] = /^(\d+)\.[0-9a-f]{12}\.tmp$/.exec(end) ?? [];
  return pid !== undefined && !isAlive(Number(pid));
}
