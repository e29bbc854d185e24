/** Is this folder a libtorch that the addon can run on? Each thing that is wrong has its own error. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { InterrogatorError } from '../../errors';
import { LIBTORCH_VERSION, type LibtorchBuild, readBuild } from './version';

export interface LibtorchFolder extends LibtorchBuild {
  /** The folder with lib/ and include/. */
  path: string;
}

/** File name of one of libtorch's libraries here: `libc10.so`; on macOS, where nobody has tried it yet, `libc10.dylib`. */
export function libraryName(name: string): string {
  return `lib${name}.${process.platform === 'darwin' ? 'dylib' : 'so'}`;
}

/** The folder with lib/ in or under `folder`: itself, or `torch` or `libtorch` in it. */
export function libtorchRoot(folder: string): string | null {
  const candidates = [folder, path.join(folder, 'torch'), path.join(folder, 'libtorch')];
  return candidates.find((root) => fs.existsSync(path.join(root, 'lib', libraryName('torch_cpu')))) ?? null;
}

/**
 * Checks version and C++ ABI, and with `cuda` that its CUDA half is there with every library that it links.
 * `named` says in messages how the folder was chosen.
 * @throws ERR_LIBTORCH_NOT_FOUND, ERR_LIBTORCH_VERSION, ERR_LIBTORCH_ABI, ERR_LIBTORCH_CUDA
 */
export function inspectLibtorch(folder: string, { named, cuda = false }: { named: string; cuda?: boolean }): LibtorchFolder {
  const root = libtorchRoot(folder);
  if (!root) {
    throw new InterrogatorError(
      'ERR_LIBTORCH_NOT_FOUND',
      `${named} is not a libtorch: ${path.join(folder, 'lib', libraryName('torch_cpu'))} is missing.`,
      {
        hint: 'Name the folder that holds lib/ and include/, or leave it out and run: npx torch-interrogator setup',
      },
    );
  }
  const build = readBuild(root);
  if (build?.version !== LIBTORCH_VERSION) {
    throw new InterrogatorError(
      'ERR_LIBTORCH_VERSION',
      `${named} is libtorch ${build?.build ?? 'of an unknown version'}; ${LIBTORCH_VERSION} is needed.`,
      {
        hint: `Install torch ${LIBTORCH_VERSION} there, or leave it out and run: npx torch-interrogator setup`,
      },
    );
  }
  if (hasOldAbi(root)) {
    throw new InterrogatorError(
      'ERR_LIBTORCH_ABI',
      `${named} was built with the C++ ABI from before C++11 (_GLIBCXX_USE_CXX11_ABI=0); the addon uses the present one.`,
      {
        hint: 'Take the "cxx11 ABI" archive, or leave it out and run: npx torch-interrogator setup',
      },
    );
  }
  if (cuda) requireCuda(root, named);
  return { ...build, path: root };
}

/** CUDA libraries that this libtorch's CUDA half (or its CPU half) links and the system does not find. Linux only; elsewhere empty. */
export function missingLibraries(root: string, library: 'torch_cpu' | 'torch_cuda'): string[] {
  if (process.platform !== 'linux') return [];
  const { stdout } = spawnSync('ldd', [path.join(root, 'lib', libraryName(library))], { encoding: 'utf8' });
  return [...(stdout ?? '').matchAll(/^\s*(\S+) => not found/gm)].map((match) => match[1] as string);
}

export function hasCudaHalf(root: string): boolean {
  return fs.existsSync(path.join(root, 'lib', libraryName('torch_cuda')));
}

function requireCuda(root: string, named: string): void {
  const hint = 'Run: npx torch-interrogator setup --cuda';
  if (!hasCudaHalf(root)) {
    throw new InterrogatorError('ERR_LIBTORCH_CUDA', `${named} has no CUDA half: ${libraryName('torch_cuda')} is missing.`, { hint });
  }
  // The driver's own library comes with the driver, not with libtorch.
  const missing = missingLibraries(root, 'torch_cuda').filter((name) => !name.startsWith('libcuda.so'));
  if (missing.length > 0) {
    throw new InterrogatorError('ERR_LIBTORCH_CUDA', `${named} misses CUDA libraries: ${missing.join(', ')}.`, { hint });
  }
}

/** c10::Error's constructor takes a std::string, whose mangled name tells the ABI: `Ss` is the old one. */
function hasOldAbi(root: string): boolean {
  if (process.platform !== 'linux') return false;
  let library: Buffer;
  try {
    library = fs.readFileSync(path.join(root, 'lib', libraryName('c10')));
  } catch {
    return false;
  }
  return library.includes('_ZN3c105ErrorC1ENS_14SourceLocationESs') && !library.includes('_ZN3c105ErrorC1ENS_14SourceLocationENSt7__cxx11');
}
