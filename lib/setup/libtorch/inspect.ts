/** Is this folder a libtorch that the addon can run on? Each thing that is wrong has its own error. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { type ErrorCode, InterrogatorError } from '../../errors';
import { LIBTORCH_VERSION, readBuild } from './version';

/** File name of one of libtorch's libraries here: `libc10.so`; on macOS, where nobody has tried it yet, `libc10.dylib`. */
export function libraryName(name: string): string {
  return `lib${name}.${process.platform === 'darwin' ? 'dylib' : 'so'}`;
}

/**
 * Checks version and C++ ABI, and with `cuda` that its CUDA half is there with every library that it links.
 * `named` says in messages how the folder was chosen. Returns for example `{version: '2.11.0', build: '2.11.0+cu130', path: '/opt/libtorch'}`,
 * where the path is the folder with lib/ and include/.
 * @throws ERR_LIBTORCH_NOT_FOUND, ERR_LIBTORCH_VERSION, ERR_LIBTORCH_ABI, ERR_LIBTORCH_CUDA
 */
export function inspectLibtorch(folder: string, { named, cuda = false }: { named: string; cuda?: boolean }) {
  // Itself, or what is in the folder of a wheel or of an archive.
  const candidates = [folder, path.join(folder, 'torch'), path.join(folder, 'libtorch')];
  const root = candidates.find((each) => fs.existsSync(path.join(each, 'lib', libraryName('torch_cpu'))));
  const unfit = (code: ErrorCode, what: string, remedy = 'Run: npx torch-interrogator setup --cuda'): InterrogatorError =>
    new InterrogatorError(code, `${named} ${what}`, { hint: remedy });
  const otherwise = 'or leave it out and run: npx torch-interrogator setup';
  if (!root) {
    const what = `is not a libtorch: ${path.join(folder, 'lib', libraryName('torch_cpu'))} is missing.`;
    throw unfit('ERR_LIBTORCH_NOT_FOUND', what, `Name the folder that holds lib/ and include/, ${otherwise}`);
  }
  const build = readBuild(root) ?? 'of an unknown version';
  const version = build.replace(/\+.*$/, '');
  if (version !== LIBTORCH_VERSION) {
    const what = `is libtorch ${build}; ${LIBTORCH_VERSION} is needed.`;
    throw unfit('ERR_LIBTORCH_VERSION', what, `Install torch ${LIBTORCH_VERSION} there, ${otherwise}`);
  }
  if (hasOldAbi(root)) {
    const what = 'was built with the C++ ABI from before C++11 (_GLIBCXX_USE_CXX11_ABI=0); the addon uses the present one.';
    throw unfit('ERR_LIBTORCH_ABI', what, `Take the "cxx11 ABI" archive, ${otherwise}`);
  }
  if (cuda) {
    if (!hasCudaHalf(root)) throw unfit('ERR_LIBTORCH_CUDA', `has no CUDA half: ${libraryName('torch_cuda')} is missing.`);
    // The driver's own library comes with the driver, not with libtorch.
    const missing = missingLibraries(root, 'torch_cuda').filter((name) => !name.startsWith('libcuda.so'));
    if (missing.length > 0) throw unfit('ERR_LIBTORCH_CUDA', `misses CUDA libraries: ${missing.join(', ')}.`);
  }
  return { version, build, path: root };
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

/** c10::Error's constructor takes a std::string, whose mangled name tells the ABI: `Ss` is the old one. */
function hasOldAbi(root: string): boolean {
  const file = path.join(root, 'lib', libraryName('c10'));
  if (process.platform !== 'linux' || !fs.existsSync(file)) return false;
  const library = fs.readFileSync(file);
  return library.includes('_ZN3c105ErrorC1ENS_14SourceLocationESs') && !library.includes('_ZN3c105ErrorC1ENS_14SourceLocationENSt7__cxx11');
}
