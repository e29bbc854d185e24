/** Folders that are to take files, and cannot. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { requireFolder } from '../../lib/files/space';

let work: string;
beforeEach(() => {
  work = mkdtempSync(path.join(os.tmpdir(), 'space-'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const variable = 'HF_HUB_CACHE';

test('one that is not there is made, with those above it', async () => {
  const folder = path.join(work, 'a', 'b');
  await requireFolder({ folder, variable });
  await requireFolder({ folder, variable });
  expect(existsSync(folder)).toBe(true);
});

test.each([
  ['a file', 'file', 'it is a file'],
  ['below a file', path.join('file', 'below'), 'is a file'],
])('%s is told, with what to do', async (_, name, why) => {
  writeFileSync(path.join(work, 'file'), '');
  await expect(requireFolder({ folder: path.join(work, name), variable })).rejects.toMatchObject({
    code: 'ERR_IO',
    message: expect.stringContaining(why),
    hint: expect.stringContaining(variable),
  });
});

/** Only who may mount can have a disk that takes nothing. Elsewhere it is told as skipped. */
const whereMounts = mayMount() ? test : test.skip;

function mayMount(): boolean {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mount-'));
  try {
    mountReadOnly(folder);
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function mountReadOnly(folder: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=1m', 'tmpfs', folder], { stdio: 'ignore' });
}

whereMounts.each(['', 'hub'])('a disk that is read-only is called so: %j', async (name) => {
  const disk = path.join(work, 'disk');
  mkdirSync(disk);
  mountReadOnly(disk);
  try {
    const failed = requireFolder({ folder: path.join(disk, name), variable });
    await expect(failed).rejects.toMatchObject({ code: 'ERR_IO', message: expect.stringContaining('its disk is read-only') });
  } finally {
    execFileSync('umount', [disk]);
  }
});
