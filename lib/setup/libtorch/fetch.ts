/** Fetches a libtorch into the cache folder, from the Python package index. */
import type { FetchListener } from '../../net/fetch-listener';
import { install, type Wheel } from '../../wheels';
import { inspectLibtorch } from './inspect';
import { fetchedFolder } from './locate';
import { LIBTORCH_VERSION } from './version';
import { libtorchWheels } from './wheels';

/** Bytes of disk that download and unpacked files take together, with some room. */
const SPACE = { cpu: 1.5e9, cuda: 9e9 } as const;

/**
 * Fetches the variant unless another process just did; `wheels` are what it is made of.
 * @throws ERR_LIBTORCH_NOT_FOUND and ERR_LIBTORCH_CUDA (nothing to fetch for this system), what install() throws, and inspectLibtorch()
 */
export async function fetchLibtorch(
  variant: 'cpu' | 'cuda',
  report: FetchListener,
  wheels: readonly Wheel[] = libtorchWheels(variant),
): Promise<void> {
  const installation = {
    title: 'libtorch',
    wheels,
    place: (name: string) => (isNeeded(name, variant) ? name : undefined),
    space: SPACE[variant],
    hint: HINT,
    check: (folder: string) => void inspectLibtorch(folder, { named: 'What was fetched', cuda: variant === 'cuda' }),
  };
  await install(fetchedFolder(variant), installation, { report });
}

/** The way out that does not need this machine's network. */
const HINT =
  "Check the network and pip's settings (PIP_INDEX_URL, pip.conf), then run the command again: it continues where it stopped. " +
  `Without a network, unpack a libtorch ${LIBTORCH_VERSION} and name its folder in LIBTORCH.`;

/** Libraries, headers and licences; not the Python half, and without CUDA not its gigabyte of kernels. */
function isNeeded(name: string, variant: 'cpu' | 'cuda'): boolean {
  if (/\.dist-info\/(METADATA|.*(LICENSE|NOTICE).*)$/i.test(name)) return true;
  if (name === 'torch/version.py' || name.startsWith('torch/include/')) return true;
  if (!/^(torch|nvidia\/[^/]+)\/lib\//.test(name)) return false;
  if (/(^|\/)libtorch_python|\.a$/.test(name)) return false;
  return variant === 'cuda' || !/\/lib\/lib(torch_cuda|torch_nvshmem|c10_cuda|caffe2_nvrtc)[^/]*$/.test(name);
}
