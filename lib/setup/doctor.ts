/** Explains an installation: what was found, what is missing, what to do about it. Works where nothing is set up. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { installedBundles } from '../bundles/bundle';
import { bundleHome, cacheFolder } from '../bundles/cache-folder';
import { InterrogatorError } from '../errors';
import { findAddon, loadNative } from '../native/load';
import type { NativeRuntimeInfo } from '../native/types';
import { findLibtorch, LIBTORCH_VERSION } from './libtorch';
import { hasCudaHalf, missingLibraries } from './libtorch/inspect';

/** Something that is wrong, and what to do about it. */
export interface Problem {
  code: string;
  message: string;
}

export interface Diagnosis {
  package: { version: string; path: string };
  node: { version: string; platform: string; arch: string; supported: boolean };
  libtorch: {
    path: string | null;
    version: string | null;
    /** With the local part: `2.11.0+cu130`. */
    build: string | null;
    /** `LIBTORCH`, `python` or `cache`. */
    source: string | null;
    problem: Problem | null;
  };
  /** `available` once a device answers; `libraries` says whether libtorch's CUDA half is there with all that it links. */
  cuda: { available: boolean; devices: number; builtFor: string | null; libraries: boolean; missing: string[] };
  addon: { loaded: boolean; path: string | null; coreVersion: string | null; problem: Problem | null };
  cpuFeatures: string[];
  physicalCores: number | null;
  bundles: { kind: string; name: string; folder: string }[];
  caches: { folder: string; bytes: number; bundleHome: string; exporters: string[] };
}

/** Looks at everything; throws nothing that it can report instead. */
export async function diagnose(): Promise<Diagnosis> {
  const libtorch = describeLibtorch();
  const { addon, runtime } = describeAddon();
  return {
    package: describePackage(),
    node: {
      version: process.versions.node,
      platform: process.platform,
      arch: process.arch,
      supported: isSupportedNode(process.versions.node),
    },
    libtorch,
    cuda: describeCuda(libtorch, runtime),
    addon,
    cpuFeatures: runtime?.cpuFeatures ?? [],
    physicalCores: runtime?.physicalCores ?? null,
    bundles: (await installedBundles().catch(() => [])).map(({ kind, name, folder }) => ({ kind, name, folder })),
    caches: describeCaches(),
  };
}

/** The diagnosis for a person to read. */
export function formatDiagnosis(diagnosis: Diagnosis): string {
  const { node, libtorch, cuda, addon, cpuFeatures, physicalCores, bundles, caches } = diagnosis;
  const lines = [
    row('torch-interrogator', `${diagnosis.package.version} in ${diagnosis.package.path}`),
    row('Node', `${node.version} on ${node.platform}-${node.arch}${node.supported ? '' : '  ✗ 20.17 or newer is needed'}`),
    row(
      'libtorch',
      libtorch.path
        ? `${libtorch.build} in ${libtorch.path} (${SOURCES[libtorch.source ?? ''] ?? libtorch.source})`
        : `✗ ${LIBTORCH_VERSION} not found`,
    ),
    ...remark(libtorch.problem),
    row('addon', addon.loaded ? `${addon.coreVersion} in ${addon.path}` : '✗ not loaded'),
    ...remark(addon.problem),
    row('CUDA', describeCudaLine(cuda)),
    row(
      'CPU',
      addon.loaded
        ? `${physicalCores} cores, ${cpuFeatures.join(' ') || 'no vector extensions that we use'}`
        : `${os.cpus()[0]?.model ?? 'unknown'}`,
    ),
    row('bundles', bundles.length === 0 ? `none in ${caches.bundleHome}` : ''),
    ...bundles.map(({ kind, name, folder }) => `    ${kind.padEnd(8)}${name}  ${folder}`),
    row('caches', `${caches.folder} (${(caches.bytes / 1e9).toFixed(1)} GB)`),
    ...caches.exporters.map((folder) => `    exporter ${folder}`),
  ];
  return lines.join('\n');
}

const SOURCES: Record<string, string> = { LIBTORCH: 'named by LIBTORCH', python: "Python's torch", cache: 'fetched' };

function row(name: string, text: string): string {
  return `${name.padEnd(20)}${text}`.trimEnd();
}

function remark(problem: Problem | null): string[] {
  return problem ? problem.message.split('\n').map((line) => `    ${line}`) : [];
}

function describeCudaLine({ available, devices, builtFor, libraries, missing }: Diagnosis['cuda']): string {
  if (available) return `${devices} device${devices === 1 ? '' : 's'}, CUDA ${builtFor}`;
  if (libraries) return 'libraries present, no device';
  return missing.length > 0
    ? `no: libtorch misses ${missing.join(', ')}`
    : 'no (npx torch-interrogator setup --cuda fetches its libraries)';
}

function describePackage(): Diagnosis['package'] {
  const root = path.join(__dirname, '..', '..');
  const { version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
  return { version, path: root };
}

function isSupportedNode(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 17);
}

function describeLibtorch(): Diagnosis['libtorch'] {
  const nothing = { path: null, version: null, build: null, source: null };
  try {
    const found = findLibtorch();
    if (found) return { path: found.path, version: found.version, build: found.build, source: found.source, problem: null };
    const message = `Run: npx torch-interrogator setup (in a clone: npm run setup), or name the folder of a libtorch ${LIBTORCH_VERSION} in LIBTORCH.`;
    return { ...nothing, problem: { code: 'ERR_LIBTORCH_NOT_FOUND', message } };
  } catch (error) {
    return { ...nothing, problem: asProblem(error) };
  }
}

function describeAddon(): { addon: Diagnosis['addon']; runtime: NativeRuntimeInfo | null } {
  const file = findAddon();
  try {
    const runtime = loadNative().runtimeInfo();
    return { addon: { loaded: true, path: file, coreVersion: runtime.coreVersion, problem: null }, runtime };
  } catch (error) {
    const problem = asProblem(error);
    // Said once, where libtorch is reported.
    const repeated = problem.code.startsWith('ERR_LIBTORCH');
    return { addon: { loaded: false, path: file, coreVersion: null, problem: repeated ? null : problem }, runtime: null };
  }
}

function describeCuda({ path: root, build }: Diagnosis['libtorch'], runtime: NativeRuntimeInfo | null): Diagnosis['cuda'] {
  const devices = runtime?.cudaDevices ?? 0;
  const tag = /\+cu(\d+)(\d)$/.exec(build ?? '');
  const builtFor = tag ? `${tag[1]}.${tag[2]}` : null;
  if (!root || !hasCudaHalf(root)) return { available: false, devices, builtFor, libraries: false, missing: [] };
  const missing = missingLibraries(root, 'torch_cuda');
  return { available: devices > 0, devices, builtFor, libraries: missing.length === 0, missing };
}

function describeCaches(): Diagnosis['caches'] {
  const folder = cacheFolder();
  const names = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  return {
    folder,
    bytes: bytesBelow(folder),
    bundleHome: bundleHome(),
    exporters: names.filter((name) => name.startsWith('exporter')).map((name) => path.join(folder, name)),
  };
}

function bytesBelow(folder: string): number {
  let entries: fs.Dirent[];
  try {
    entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch {
    return 0;
  }
  let bytes = 0;
  for (const entry of entries) {
    if (entry.isFile()) bytes += fs.statSync(path.join(entry.parentPath ?? entry.path, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}

function asProblem(error: unknown): Problem {
  if (error instanceof InterrogatorError) return { code: error.code, message: error.message };
  return { code: 'ERR_RUNTIME', message: (error as Error).message };
}
