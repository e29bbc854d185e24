/** Which Python wheels make up a libtorch. */
import { InterrogatorError } from '../../errors';
import type { Wheel } from '../../wheels';
import { LIBTORCH_VERSION } from './version';

/**
 * Names, versions and hashes as https://pypi.org/simple gives them: torch for one Python, as the libraries inside are the same for all, and
 * what its metadata asks for that holds libraries (cuda-toolkit 13.0.2 taken apart).
 */
import pinned from './wheels.json';

type Pinned = { name: string; version: string } & { [system in string]?: { file: string; sha256: string } | string };

/** What `libtorch_cpu.so` of the Linux wheel links beside the system; the others are for CUDA. */
const CPU = new Set(['torch', 'nvidia-cuda-runtime', 'nvidia-cuda-cupti']);

/** The wheels say manylinux_2_28. */
const OLDEST_GLIBC = 28;

/** The machine to run on; `libc` as detect-libc names it. */
export interface System {
  platform: NodeJS.Platform;
  arch: string;
  libc: string | null;
  libcVersion: string | null;
}

/**
 * The wheels of a variant for a system, by default for this one.
 * @throws ERR_LIBTORCH_NOT_FOUND where there are none, ERR_LIBTORCH_CUDA where there are none with CUDA
 */
export function libtorchWheels(variant: 'cpu' | 'cuda', system: System = thisSystem()): Wheel[] {
  const { platform, arch } = system;
  const wanted = (pinned as Pinned[]).filter(({ name }) => variant === 'cuda' || CPU.has(name));
  const wheels = wanted.flatMap(({ name, version, [`${platform}-${arch}`]: file }) =>
    typeof file === 'object' ? [{ name, version, ...file }] : [],
  );
  const misfit = wheels.length === 0 ? `${platform}-${arch}` : libcMisfit(system);
  if (misfit) {
    throw new InterrogatorError('ERR_LIBTORCH_NOT_FOUND', `There is no libtorch ${LIBTORCH_VERSION} to fetch for ${misfit}.`, {
      hint: `Build or find one, and name its folder in LIBTORCH.`,
    });
  }
  if (variant === 'cpu' || wheels.length === wanted.length) return wheels;
  throw new InterrogatorError('ERR_LIBTORCH_CUDA', `There is no CUDA libtorch to fetch for ${platform}-${arch}.`, {
    hint: 'Install an official libtorch archive with CUDA and name its folder in LIBTORCH.',
  });
}

function libcMisfit({ platform, libc, libcVersion }: System): string | undefined {
  if (platform !== 'linux') return undefined;
  if (libc === 'musl') return 'Linux with musl';
  const [major, minor = 0] = (libcVersion ?? '').split('.').map(Number);
  return major === 2 && minor < OLDEST_GLIBC ? `Linux with glibc ${libcVersion}; 2.${OLDEST_GLIBC} or newer is needed` : undefined;
}

function thisSystem(): System {
  const { familySync, versionSync } = require('detect-libc') as typeof import('detect-libc');
  return { platform: process.platform, arch: process.arch, libc: familySync(), libcVersion: versionSync() };
}
