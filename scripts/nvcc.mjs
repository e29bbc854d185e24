/**
 * NVIDIA's compiler from the Python package index, for `npm test`: so that every CUDA kernel is compiled where no CUDA toolkit
 * is installed and no GPU is at hand. 104 MB to fetch, 271 MB on disk. Ordinary builds do not come here.
 */
import { renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { BUILD, once, PYTHON, quietly, title } from './step.mjs';

/** One version of all of them, that of the CUDA which libtorch's wheels are built with. */
const PACKAGES = [
  'nvidia-cuda-nvcc==13.0.88',
  'nvidia-cuda-crt==13.0.88',
  'nvidia-nvvm==13.0.88',
  'nvidia-cuda-cccl==13.0.85',
  'nvidia-cuda-runtime==13.0.96',
];
const FOLDER = path.join(BUILD, 'nvcc');
const NVCC = path.join('build', 'nvcc', 'nvidia', 'cu13', 'bin', 'nvcc');

/** The compiler's file; null where there is none for this platform. */
export async function provideNvcc() {
  if (process.platform !== 'linux') return null;
  await once('nvcc', { input: PACKAGES.join(), outputs: [NVCC] }, async () => {
    title('Fetching the CUDA compiler for the tests (104 MB, once)');
    const temporary = `${FOLDER}.unpacking`;
    // What a run that was killed left half unpacked. pip keeps what it fetched whole, so that the next run continues.
    rmSync(temporary, { recursive: true, force: true });
    await quietly('nvcc', PYTHON, ['-m', 'pip', 'install', '--no-deps', '--only-binary', ':all:', '--target', temporary, ...PACKAGES], {
      fail: 'The CUDA compiler could not be fetched: Python 3 with pip and a reachable package index are needed.',
    });
    rmSync(FOLDER, { recursive: true, force: true });
    renameSync(temporary, FOLDER);
  });
  return path.resolve(BUILD, '..', NVCC);
}
