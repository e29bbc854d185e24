/** Programs that tests run, and that no index of packages has: Debian's, installed where they are missing and this user may. */
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { quietly, StepError, title } from './step.mjs';

/** By their package. Tests of what is not required are skipped without it. */
const PROGRAMS = {
  'redis-server': { name: 'redis-server', isRequired: true },
  chromium: { name: process.env.CHROMIUM ?? 'chromium' },
};

/** Without the right to install them it is said what is to be done; rejects where one is missing that is required. */
export async function debianPackages() {
  const missing = Object.entries(PROGRAMS).filter(([, { name }]) => !isThere(name));
  if (missing.length === 0) return;
  const names = missing.map(([name]) => name);
  if (process.getuid?.() !== 0 || !isThere('apt-get')) {
    const advice = `Tests need ${names.join(' and ')}: apt-get install ${names.join(' ')}, or the same of another system.`;
    if (missing.some(([, { isRequired }]) => isRequired)) throw new StepError(advice);
    return title(advice);
  }
  title(`Installing ${names.join(' and ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const fail = `They could not be installed: apt-get install ${names.join(' ')}`;
  await quietly('apt-update', 'apt-get', ['update'], { fail, env });
  await quietly('apt-install', 'apt-get', ['install', '-y', '--no-install-recommends', ...names], { fail, env });
}

function isThere(program) {
  const folders = path.isAbsolute(program) ? [''] : (process.env.PATH ?? '').split(path.delimiter);
  return folders.some((folder) => {
    try {
      accessSync(path.join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
