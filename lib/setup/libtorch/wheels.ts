/** Which Python wheels make up a libtorch, and where the user's pip finds them. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { InterrogatorError } from '../../errors';
import { pythonCommand } from './locate';
import { LIBTORCH_VERSION } from './version';

type Wheel = Record<'name' | 'version' | 'url' | 'sha256', string>;

/** What `libtorch_cpu.so` of the Linux wheel links beside the system. */
const CPU_LIBRARIES = ['nvidia-cuda-runtime==13.0.96', 'nvidia-cuda-cupti==13.0.85'];

/** The rest of what torch 2.11.0's metadata asks for that holds libraries (cuda-toolkit 13.0.2 taken apart). */
const CUDA_LIBRARIES = [
  'nvidia-cublas==13.1.0.3',
  'nvidia-cuda-nvrtc==13.0.88',
  'nvidia-cudnn-cu13==9.19.0.56',
  'nvidia-cufft==12.0.0.61',
  'nvidia-cufile==1.15.1.6',
  'nvidia-curand==10.4.0.35',
  'nvidia-cusolver==12.0.4.66',
  'nvidia-cusparse==12.6.3.3',
  'nvidia-cusparselt-cu13==0.8.0',
  'nvidia-nccl-cu13==2.28.9',
  'nvidia-nvjitlink==13.0.88',
  'nvidia-nvshmem-cu13==3.4.5',
  'nvidia-nvtx==13.0.85',
];

/** Requirements of a variant on this platform. @throws ERR_LIBTORCH_CUDA where CUDA has no wheels */
export function requirements(variant: 'cpu' | 'cuda', platform: NodeJS.Platform = process.platform): string[] {
  const torch = `torch==${LIBTORCH_VERSION}`;
  if (platform === 'linux') return variant === 'cpu' ? [torch, ...CPU_LIBRARIES] : [torch, ...CPU_LIBRARIES, ...CUDA_LIBRARIES];
  if (variant === 'cpu') return [torch];
  throw new InterrogatorError('ERR_LIBTORCH_CUDA', `There is no CUDA libtorch to fetch for ${platform}.`, {
    hint: 'Install an official libtorch archive with CUDA and name its folder in LIBTORCH.',
  });
}

/**
 * Asks pip for addresses and hashes; downloads nothing. `certificates`: a PEM file that pip is told to trust, null for the usual ones.
 * @throws ERR_NETWORK, ERR_LIBTORCH_NOT_FOUND (no Python or pip)
 */
export async function resolveWheels(wanted: string[]): Promise<{ wheels: Wheel[]; certificates: string | null }> {
  // Three levels up from lib/setup/libtorch and from dist/setup/libtorch alike is the package.
  const script = path.join(__dirname, '..', '..', '..', 'lib', 'setup', 'libtorch', 'resolve_wheels.py');
  const python = pythonCommand();
  const lastLine = (text = ''): string => text.trim().split('\n').at(-1) as string;
  const { stdout, stderr } = await promisify(execFile)(python, [script, ...wanted]).catch((cause) => {
    const reason = cause.code === 'ENOENT' ? `${python} was not found` : lastLine(cause.stderr) || cause.message;
    throw new InterrogatorError('ERR_LIBTORCH_NOT_FOUND', `libtorch is fetched from the Python package index through pip, but ${reason}.`, {
      hint: `Install Python 3 with pip (or name one in PYTHON), or name the folder of a libtorch ${LIBTORCH_VERSION} in LIBTORCH.`,
      cause,
    });
  });
  const resolved = JSON.parse(stdout);
  for (const { name, version, url, sha256 } of resolved.wheels) {
    if (url && sha256) continue;
    const said = lastLine(stderr);
    const fault = url
      ? `The package index gives no SHA-256 for ${name} ${version}, so what it sends cannot be checked.`
      : `pip finds no wheel ${name}${version} for this machine.${said ? ` It says: ${said}` : ''}`;
    throw new InterrogatorError('ERR_NETWORK', fault, { hint: NETWORK_HINT });
  }
  return resolved;
}

/** The way out that does not need this machine's network. */
export const NETWORK_HINT =
  "Check the network and pip's settings (pip config list), then run the command again: it continues where it stopped. " +
  `Without a network, unpack a libtorch ${LIBTORCH_VERSION} and name its folder in LIBTORCH.`;
