/** This process's memory, told apart by what it is of. Linux only: elsewhere null. */
import { readFileSync } from 'node:fs';

/** Bytes: `anonymous` belongs to the process alone, `mapped` are pages of files, `peak` is the most of both so far. */
export function residentMemory() {
  if (process.platform !== 'linux') return null;
  const status = readFileSync('/proc/self/status', 'utf8');
  const bytes = (field) => 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return { anonymous: bytes('RssAnon'), mapped: bytes('RssFile') + bytes('RssShmem'), peak: bytes('VmHWM') };
}
