/** Where libtorch is: `LIBTORCH`, a Python torch where `LIBTORCH_USE_PYTORCH=1`, what an earlier setup fetched. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { InterrogatorError } from '../../errors';
import { cacheFolder } from '../../files/cache-folder';
import { inspectLibtorch } from './inspect';
import { LIBTORCH_VERSION } from './version';

/** `source`: how it was found. */
export type Libtorch = ReturnType<typeof inspectLibtorch> & { source: 'LIBTORCH' | 'python' | 'cache' };

/**
 * The libtorch to run on, or null where none is named and none was fetched. `cuda`: only one with a working CUDA half.
 * One that was named and is unfit is an error, not a reason to look further.
 * @throws ERR_LIBTORCH_NOT_FOUND, ERR_LIBTORCH_VERSION, ERR_LIBTORCH_ABI, ERR_LIBTORCH_CUDA
 */
export function findLibtorch({ cuda = false } = {}): Libtorch | null {
  const named = process.env.LIBTORCH;
  if (named) {
    const folder = path.resolve(named);
    return { ...inspectLibtorch(folder, { named: `LIBTORCH=${named}`, cuda }), source: 'LIBTORCH' };
  }
  if (process.env.LIBTORCH_USE_PYTORCH === '1') {
    const folder = pythonTorch();
    return { ...inspectLibtorch(folder, { named: `Python's torch in ${folder}`, cuda }), source: 'python' };
  }
  for (const variant of cuda ? (['cuda'] as const) : (['cuda', 'cpu'] as const)) {
    const folder = fetchedFolder(variant);
    if (fs.existsSync(folder)) return { ...inspectLibtorch(folder, { named: folder, cuda }), source: 'cache' };
  }
  return null;
}

/** As findLibtorch(); that there is none is an error too. */
export function requireLibtorch(): Libtorch {
  const found = findLibtorch();
  if (found) return found;
  const fault = `libtorch ${LIBTORCH_VERSION} was not found: LIBTORCH is not set and none was fetched.`;
  const hint = 'Run: npx torch-interrogator setup (or, in a clone: npm run setup)';
  throw new InterrogatorError('ERR_LIBTORCH_NOT_FOUND', fault, { hint });
}

/** Where a fetched libtorch lives: laid out as a site-packages folder, so that the libraries' own run paths hold. */
export function fetchedFolder(variant: 'cpu' | 'cuda'): string {
  return path.join(cacheFolder(), `libtorch-${LIBTORCH_VERSION}-${variant}`);
}

/** The Python to ask: `PYTHON`, else the usual name. */
export function pythonCommand(): string {
  return process.env.PYTHON || 'python3';
}

/** torch's folder without importing torch, which takes seconds. */
function pythonTorch(): string {
  const python = pythonCommand();
  const code = "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')";
  const { stdout, error, status, stderr } = spawnSync(python, ['-c', code], { encoding: 'utf8' });
  const folder = stdout?.trim();
  if (folder) return folder;
  const reason = error || status !== 0 ? `${python} could not be asked (${error?.message ?? stderr.trim()})` : `${python} has no torch`;
  throw new InterrogatorError('ERR_LIBTORCH_NOT_FOUND', `LIBTORCH_USE_PYTORCH=1, but ${reason}.`, {
    hint: `Name the Python that has torch ${LIBTORCH_VERSION} in PYTHON, or unset LIBTORCH_USE_PYTORCH and run: npx torch-interrogator setup`,
  });
}
