/** Disks of a few megabytes, where this user may mount them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Makes the folder a disk of so many MiB, until what is returned is called. */
export function mountSmall(folder: string, megabytes: number): () => void {
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], { stdio: 'ignore' });
  return () => void execFileSync('umount', [folder]);
}

export function mounts(): boolean {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mount-'));
  try {
    mountSmall(folder, 1)();
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(folder);
  }
}
