/** Memory of another process, as Linux has it. */
import { readFileSync } from 'node:fs';

/** Resident bytes, without what is of files. */
export function residentBytes(pid) {
  const [, kilobytes] = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}
