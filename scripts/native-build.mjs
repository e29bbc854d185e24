/** The native half: configured by cmake-js (which knows Node's headers), built by CMake. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { BUILD, fingerprint, once, quietly, ROOT, title } from './step.mjs';

export const CMAKE_BUILD = path.join(BUILD, 'cmake');
const ADDON = ['build/cmake/Release/interrogator.node', 'build/cmake/Release/interrogator_loader.node'];
const SOURCES = ['CMakeLists.txt', 'cmake', 'native', 'package-lock.json'];

/**
 * Builds core and addon, with `tests` the GoogleTest programs too. With `nvcc` the CUDA kernels must compile, without it they are built where CMake
 * finds a compiler that does.
 */
export async function buildNative({ libtorch, tests = false, nvcc = null }) {
  const input = fingerprint(SOURCES, [libtorch, process.arch, tests, nvcc]);
  await once(tests ? 'native-tests' : 'native', { input, outputs: ADDON }, async () => {
    title(tests ? 'Building core, addon and native tests' : 'Building core and addon');
    await configure({ libtorch, tests, nvcc });
    const targets = tests ? [] : ['--target', 'interrogator', 'interrogator_loader'];
    await quietly('build', 'cmake', ['--build', CMAKE_BUILD, '--config', 'Release', ...targets, '--parallel', String(jobs())], {
      fail: 'The native build failed.',
    });
  });
}

async function configure({ libtorch, tests, nvcc }) {
  const cmakeJs = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js');
  const options = {
    LIBTORCH_DIR: libtorch,
    ...(tests && { INTERROGATOR_TESTS: 'ON' }),
    ...(nvcc ? { INTERROGATOR_CUDA: 'ON', INTERROGATOR_NVCC: nvcc } : { INTERROGATOR_CUDA: 'AUTO' }),
  };
  const definitions = Object.entries(options).map(([key, value]) => `--CD${key}=${value}`);
  if (cacheIsOfAnother(libtorch)) rmSync(CMAKE_BUILD, { recursive: true, force: true });
  await quietly('configure', process.execPath, [cmakeJs, 'configure', '-O', CMAKE_BUILD, ...definitions], {
    fail: 'CMake could not configure the native half. It needs cmake 3.20 or newer and a C++20 compiler (Debian, Ubuntu: apt-get install g++ cmake; macOS: xcode-select --install, brew install cmake).',
  });
}

/** A cache for another libtorch would keep the paths that it found. */
function cacheIsOfAnother(libtorch) {
  const file = path.join(CMAKE_BUILD, 'CMakeCache.txt');
  const cache = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return ![`LIBTORCH_DIR:PATH=${libtorch}\n`, `CMAKE_HOME_DIRECTORY:INTERNAL=${ROOT}\n`].every((line) => cache.includes(line));
}

/** A file that includes libtorch takes about 1.5 GB to compile. */
function jobs() {
  return Math.max(1, Math.min(os.availableParallelism(), Math.floor(os.totalmem() / 2e9)));
}
