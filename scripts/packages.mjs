/** npm packages: installed as the lock file says, skipped where they are already. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { quietly, ROOT, StepError, title } from './step.mjs';

export async function ensurePackages() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 17)) {
    throw new StepError(`This is Node ${process.versions.node}; 20.17 or newer is needed.`);
  }
  if (isInstalled()) return;
  title('Installing npm packages');
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  // No scripts: none of the packages needs its own, and ours is this one.
  await quietly('npm', npm[0], [...npm.slice(1), 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    fail: 'npm ci failed. Check the network and npm config get registry, then run the command again.',
  });
}

/** Every package of the lock is there in its version; those of other platforms may be missing. */
function isInstalled() {
  const hidden = path.join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  const wanted = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')).packages;
  const have = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([name, { version, optional }]) => name === '' || (have[name] ? have[name].version === version : optional),
  );
}
