/** Names of files that are being written, and what becomes of those that a process has left. */
import { createHash, randomBytes } from 'node:crypto';
import { lstat, opendir, rm } from 'node:fs/promises';
import { isAlive, machine } from '../../files/lock';
import { digestOf, Offsets } from '../ledger/offsets';
import { Turns } from '../turns';

/** What is written beside pictures. */
export const TEMPORARY_BASE = 'torch-interrogator';

/** So many names are read in one go. */
const NAMES = 256;

/** Of a share that several machines and containers write to, each knows its own processes alone. */
const HERE = createHash('sha256').update(machine()).digest('hex').slice(0, 8);
/** What others have not touched for so long, nobody writes any more. */
const FORGOTTEN_MS = 7 * 24 * 3600 * 1000;

/** A new hidden name: whose file it is, and which process of which machine writes it. */
export function temporaryName(base: string): string {
  return `.${base}.${HERE}-${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
}

/**
 * Removes what killed processes have left in a folder: of this machine and container those that live no more, of others what is a week old.
 * Rejects where the folder cannot be read.
 */
export async function removeLeft(folder: string | Buffer, base: string): Promise<void> {
  const start = Buffer.from(`.${base}.`).toString('latin1');
  const turns = new Turns();
  // As bytes: other names in the folder need not be UTF-8.
  for await (const { name } of await opendir(folder, { encoding: 'latin1' as BufferEncoding, bufferSize: NAMES })) {
    if (name.startsWith(start)) {
      const file = Buffer.concat([Buffer.from(folder), Buffer.from(`/${name}`, 'latin1')]);
      if (await isLeft(file, name.slice(start.length))) await rm(file, { force: true });
    }
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

async function isLeft(file: Buffer, end: string): Promise<boolean> {
  const [, where, pid] = /^([0-9a-f]{8})-(\d+)\.[0-9a-f]{12}\.tmp$/.exec(end) ?? [];
  if (pid === undefined) return false;
  if (where === HERE) return !isAlive(Number(pid));
  const { mtimeMs = Date.now() } = (await lstat(file).catch(() => undefined)) ?? {};
  return Date.now() - mtimeMs > FORGOTTEN_MS;
}
