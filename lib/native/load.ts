/** The one place that opens the addon: libtorch first, by absolute path, then the addon that links it. */
import fs from 'node:fs';
import path from 'node:path';
import { familySync, GLIBC, MUSL } from 'detect-libc';
import { InterrogatorError } from '../errors';
import { type Libtorch, requireLibtorch } from '../setup/libtorch';
import { libraryName, missingLibraries } from '../setup/libtorch/inspect';
import type { NativeBinding } from './types';

interface LoaderBinding {
  /**
   * Opens each library off this thread, its symbols visible to what is opened later; rejects with the system's message. libgomp is opened
   * before, and told to let threads that wait spin for a short time only.
   */
  open(paths: string[], libgomp?: string): Promise<void>;
}

const PACKAGE = path.join(__dirname, '..', '..');

let loading: Promise<NativeBinding> | undefined;

/**
 * The addon. Opened once a thread; the libraries once a process.
 * @throws ERR_LIBTORCH_NOT_FOUND, ERR_LIBTORCH_VERSION, ERR_LIBTORCH_ABI, ERR_LIBTORCH_CUDA, ERR_ADDON_NOT_FOUND, ERR_ADDON_LOAD
 */
export function loadNative(): Promise<NativeBinding> {
  loading ??= load().catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

/** The addon's file that would be opened, null where there is none. */
export function findAddon(): string | null {
  return candidates().find(({ addon }) => addon)?.addon ?? null;
}

/** Whether there is a libtorch to load; whether it loads shows when it is tried. */
export function hasLibtorch(): boolean {
  try {
    requireLibtorch();
    return true;
  } catch {
    return false;
  }
}

/** Folders that may hold the addon's two files, the one to prefer first, and those that they hold. */
function candidates(): { folder: string; addon: string | undefined; loader: string | undefined }[] {
  const built = [path.join(PACKAGE, 'build', 'cmake', 'Release'), path.join(PACKAGE, 'build', 'Release')];
  const prebuilt = path.join(PACKAGE, 'prebuilds', `${process.platform}-${process.arch}`);
  const libc = familySync() ?? GLIBC;
  return (process.env.PREBUILDS_ONLY ? [prebuilt] : [...built, prebuilt]).map((folder) => {
    const first = (...names: string[]) => names.map((name) => path.join(folder, name)).find((file) => fs.existsSync(file));
    return {
      folder,
      // A build's plain names, or those of a prebuilt package, which carry the C library's name after a dot.
      addon: first('interrogator.node', `torch-interrogator.${libc}.node`, 'torch-interrogator.node'),
      loader: first('interrogator_loader.node', `interrogator_loader.${libc}.node`),
    };
  });
}

async function load(): Promise<NativeBinding> {
  const libtorch = requireLibtorch();
  const failures: string[] = [];
  let reason: unknown;
  for (const { folder, addon, loader } of candidates()) {
    if (!addon || !loader) {
      failures.push(`${folder}: ${fs.existsSync(folder) ? 'no addon in it' : 'no such folder'}`);
      continue;
    }
    try {
      await openLibraries(require(loader) as LoaderBinding, libtorch);
      return { ...(require(addon) as NativeBinding), file: addon };
    } catch (error) {
      if (error instanceof InterrogatorError) throw error;
      reason = error;
      failures.push(`${addon}: ${(error as Error).message}`);
    }
  }
  const fault = `The addon ${reason ? 'does not load' : 'was not found'} for ${process.platform}-${process.arch}.`;
  const message = [fault, 'Tried:', ...failures.map((line) => `  ${line}`)].join('\n');
  const hint = remedy((reason as Error | undefined)?.message, { platform: process.platform, musl: familySync() === MUSL });
  throw new InterrogatorError(reason ? 'ERR_ADDON_LOAD' : 'ERR_ADDON_NOT_FOUND', message, { hint, cause: reason });
}

async function openLibraries(loader: LoaderBinding, { path: root }: Libtorch): Promise<void> {
  // The core opens CUDA's half itself, when a CUDA device is asked for.
  const libraries = ['c10', 'torch_cpu'].map((name) => path.join(root, 'lib', libraryName(name)));
  try {
    await loader.open(libraries, libgomp(root));
  } catch (error) {
    const missing = missingLibraries(root, 'torch_cpu').filter((name) => /^lib(cu|nv)/.test(name));
    if (missing.length === 0) throw error;
    const fault = `The libtorch in ${root} links CUDA libraries that are missing: ${missing.join(', ')}.`;
    const hint = 'Install the nvidia-* packages of that torch beside it, or leave LIBTORCH out and run: npx torch-interrogator setup';
    throw new InterrogatorError('ERR_LIBTORCH_CUDA', fault, { hint, cause: error });
  }
}

/** libtorch's own OpenMP library, beside it or in the wheel's folder for such. Without one, the system's comes with libtorch. */
function libgomp(root: string): string | undefined {
  return [path.join(root, 'lib'), path.join(root, '..', 'torch.libs')]
    .filter((folder) => fs.existsSync(folder))
    .flatMap((folder) => fs.readdirSync(folder).map((name) => path.join(folder, name)))
    .find((file) => /^libgomp\b.*\.so/.test(path.basename(file)));
}

/** What the system's loader says, and what helps. */
const REMEDIES: readonly [RegExp, string][] = [
  [
    /GLIBC(XX)?_[\d.]+.* not found/,
    'The C or C++ library of this system is older than the one that the addon was built with: use Debian 12, Ubuntu 22.04 or newer, or build the addon here: in a clone of the repository, npm run setup.',
  ],
  [
    /wrong ELF class|invalid ELF header|file too short|not a mach-o file|incompatible architecture|exec format/i,
    `The file is damaged or built for another processor than this ${process.arch} Node: install the package again on this machine, or in a clone of the repository run: npm run setup`,
  ],
  [
    /cannot open shared object file|image not found|Library not loaded/,
    'A library that the addon or libtorch needs is missing: install the one that is named, or fetch libtorch again: npx torch-interrogator setup',
  ],
  [
    /undefined symbol|Symbol not found/,
    'The addon and libtorch do not belong together: fetch libtorch again with npx torch-interrogator setup, or in a clone of the repository run: npm run setup',
  ],
];

/** `reason`: what the system's loader said, where there was an addon at all. */
export function remedy(reason: string | undefined, { platform, musl }: { platform: NodeJS.Platform; musl: boolean }): string {
  if (musl) return 'libtorch is not made for musl (Alpine): use an image with glibc, such as Debian or Ubuntu.';
  const known = reason && REMEDIES.find(([said]) => said.test(reason))?.[1];
  if (known) return known;
  const tools = {
    linux: 'install g++ and cmake (Debian, Ubuntu: apt-get install g++ cmake)',
    // Nobody has built it there yet; nothing is known that speaks against it.
    darwin: "install Xcode's command line tools and cmake (xcode-select --install; brew install cmake; untried)",
  } as Partial<Record<NodeJS.Platform, string>>;
  const tool = tools[platform];
  if (!tool) return `There is no build for ${platform}: use Linux with glibc; on Windows, that of WSL 2.`;
  return [
    `This copy of the package comes without its addon for ${platform}-${process.arch}.`,
    `In a clone of the repository, ${tool} and run: npm run setup`,
    'For a package that is installed elsewhere, pack it after that with: npm run prebuild && npm pack',
    'What this machine has: npx torch-interrogator doctor',
  ].join('\n');
}
