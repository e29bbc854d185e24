/** Explains an installation: what was found, what is missing, what to do about it. Works where nothing is set up. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { readBundle } from '../bundles/bundle';
import { installedBundles } from '../bundles/installed';
import { verifyFiles } from '../bundles/verify';
import { hasCode, InterrogatorError } from '../errors';
import { bundleHome, cacheFolder } from '../files/cache-folder';
import { referenceVocabularyFolder } from '../labels/reference-vocabulary';
import { modelStatuses } from '../models/list';
import { findAddon } from '../native/load';
import type { NativeRuntimeInfo } from '../native/types';
import { LIBTORCH_VERSION, requireLibtorch } from './libtorch';
import { hasCudaHalf, missingLibraries } from './libtorch/inspect';

/** Something that is wrong, and what to do about it. */
interface Problem {
  code: string;
  message: string;
}

/** What the command prints as JSON. `ok`: nothing that calls need is missing; sharp, a GPU and exported models are not needed. */
export type Diagnosis = Awaited<ReturnType<typeof diagnose>>;

/** Looks at everything; throws nothing that it can report instead. */
export async function diagnose() {
  const libtorch = describeLibtorch();
  const [addon, sharp, bundles, models] = await Promise.all([
    probe<NativeRuntimeInfo>('addon'),
    probe<{ version: string }>('sharp'),
    installedBundles().catch(() => []),
    modelStatuses().catch(() => []),
  ]);
  const needed = {
    node: describeNode(),
    libtorch,
    addon: {
      loaded: addon.found !== undefined,
      path: findAddon(),
      coreVersion: addon.found?.coreVersion ?? null,
      // Without libtorch the addon does not load either: that is said once.
      problem: libtorch.problem ? null : addon.problem,
    },
    caches: describeCaches(),
  };
  const damaged = await damagedBundles(bundles.map(({ folder }) => folder));
  return {
    ok: damaged.length === 0 && Object.values(needed).every(({ problem }) => !problem),
    package: describePackage(),
    ...needed,
    /** Folders in the bundle home whose bundle cannot be read. */
    damagedBundles: damaged,
    /** Without it, images are decoded by slower code of ours and of jimp. */
    sharp: { version: sharp.found?.version ?? null, problem: sharp.problem },
    cuda: describeCuda(libtorch, addon.found),
    cpuFeatures: addon.found?.cpuFeatures ?? [],
    physicalCores: addon.found?.physicalCores ?? null,
    bundles: bundles.map(({ kind, name, folder }) => ({ kind, name, folder })),
    /** Models that run from weights in the hub's cache. */
    weights: models.flatMap(({ kind, name, installed, graph }) =>
      graph && installed !== null && !bundles.some(({ folder }) => folder === installed) ? [{ kind, name, file: installed }] : [],
    ),
    /** The folder of clip-interrogator's term lists; null where they were not fetched yet. */
    termLists: fs.existsSync(referenceVocabularyFolder()) ? referenceVocabularyFolder() : null,
  };
}

async function probe<T>(library: 'addon' | 'sharp'): Promise<{ found?: T; problem: Problem | null }> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [path.join(__dirname, 'probe.js'), library], { timeout: 60_000 });
    return { problem: null, ...JSON.parse(stdout) };
  } catch (error) {
    const { signal, message } = error as Error & { signal?: string };
    const how = signal ? `the process that tried was ended by ${signal}` : (message.split('\n').at(-1) ?? message);
    return { problem: { code: 'ERR_ADDON_LOAD', message: `${library} does not load: ${how}.\n${REBUILD}` } };
  }
}

const REBUILD = 'It may be made for another processor or system: install the package again, or in a clone run: npm run setup';

function describePackage() {
  const root = path.join(__dirname, '..', '..');
  const { version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
  return { version, path: root };
}

function describeNode() {
  const { platform, arch } = process;
  const version = process.versions.node;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const supported = major > 20 || (major === 20 && minor >= 17);
  const problem = supported ? null : { code: 'ERR_RUNTIME', message: 'Node 20.17 or newer is needed: install it from https://nodejs.org' };
  return { version, platform, arch, supported, problem };
}

function describeLibtorch() {
  try {
    return { ...requireLibtorch(), problem: null };
  } catch (error) {
    return { path: null, version: null, build: null, source: null, problem: asProblem(error) };
  }
}

/**
 * `available` once a device answers; `libraries` says whether libtorch's CUDA half is there with all that it links, `driver`
 * whether NVIDIA's driver is.
 */
function describeCuda({ path: root, build }: ReturnType<typeof describeLibtorch>, runtime: NativeRuntimeInfo | undefined) {
  const devices = runtime?.cudaDevices ?? 0;
  const [, major, minor] = /\+cu(\d+)(\d)$/.exec(build ?? '') ?? [];
  const hasHalf = root !== null && hasCudaHalf(root);
  const missing = hasHalf ? missingLibraries(root, 'torch_cuda') : [];
  return {
    available: hasHalf && devices > 0,
    devices,
    builtFor: major ? `${major}.${minor}` : null,
    libraries: hasHalf && missing.length === 0,
    missing,
    driver: fs.existsSync('/proc/driver/nvidia/version'),
  };
}

async function damagedBundles(readable: readonly string[]) {
  const home = bundleHome();
  const folders = namesIn(home).map((name) => path.join(home, name));
  const unread = folders.filter((folder) => !readable.some((each) => each === folder || each.startsWith(folder + path.sep)));
  const looked = [...unread, ...readable].map(async (folder) => {
    const check = readBundle(folder).then((bundle) => verifyFiles(bundle, { hashes: false }));
    return { folder, error: await check.catch((error) => error) };
  });
  // Not every file in there is meant to be a bundle.
  const damaged = (await Promise.all(looked)).filter(({ error }) => error && !hasCode(error, 'ERR_BUNDLE_NOT_FOUND'));
  return damaged.map(({ folder, error }) => ({ folder, problem: asProblem(error) }));
}

function describeCaches() {
  const folder = cacheFolder();
  const problem = writeProblem(folder);
  return {
    folder,
    bundleHome: bundleHome(),
    exporters: namesIn(folder)
      .filter((name) => /^exporter-\w+$/.test(name))
      .map((name) => path.join(folder, name)),
    writable: problem === null,
    problem,
  };
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
}

/** What is fetched and exported is kept in the folder, which is made when it is first needed. */
function writeProblem(folder: string): Problem | null {
  let nearest = folder;
  while (!fs.existsSync(nearest)) nearest = path.dirname(nearest);
  try {
    // Of a file that is in a folder's place, this is never there.
    fs.accessSync(`${nearest}/.`, fs.constants.W_OK | fs.constants.X_OK);
    return null;
  } catch {
    return {
      code: 'ERR_IO',
      message: `${nearest} cannot be written. Change its permissions, or name another folder in TORCH_INTERROGATOR_CACHE.`,
    };
  }
}

function asProblem(error: unknown): Problem {
  if (error instanceof InterrogatorError) return { code: error.code, message: error.message };
  return { code: 'ERR_RUNTIME', message: (error as Error).message };
}

/** The diagnosis for a person to read. */
export function formatDiagnosis(diagnosis: Diagnosis): string {
  const { node, libtorch, cuda, addon, sharp, cpuFeatures, physicalCores, bundles, weights, termLists, damagedBundles, caches } = diagnosis;
  const libtorchPlace = `${libtorch.build} in ${libtorch.path} (${SOURCES[libtorch.source ?? ''] ?? libtorch.source})`;
  const extensions = cpuFeatures.join(' ') || 'no vector extensions that we use';
  return [
    row('torch-interrogator', `${diagnosis.package.version} in ${diagnosis.package.path}`),
    ...part('Node', `${node.version} on ${node.platform}-${node.arch}`, node.problem),
    ...part('libtorch', libtorch.path ? libtorchPlace : `${LIBTORCH_VERSION} not found`, libtorch.problem),
    ...part('addon', addon.loaded ? `${addon.coreVersion} in ${addon.path}` : 'not loaded', addon.problem),
    row('sharp', sharp.version ?? 'not there: images are decoded by slower code. Install it with: npm install sharp'),
    row('CUDA', describeCudaLine(cuda)),
    row('CPU', addon.loaded ? `${physicalCores} cores, ${extensions}` : `${os.cpus()[0]?.model ?? 'unknown'}`),
    row('models', bundles.length + weights.length === 0 ? `none in ${caches.bundleHome}` : ''),
    ...bundles.map(({ kind, name, folder }) => `    ${kind.padEnd(8)}${name}  ${folder}`),
    ...weights.map(({ kind, name, file }) => `    ${kind.padEnd(8)}${name}  ${file}`),
    ...damagedBundles.flatMap(({ folder, problem }) => part('', folder, problem)),
    row('term lists', termLists ?? 'not fetched yet; the first use fetches them, or: npx torch-interrogator setup'),
    ...part('caches', caches.folder, caches.problem),
    ...caches.exporters.map((folder) => `    exporter ${folder}`),
    diagnosis.ok ? 'All that is needed is here.' : 'Something is missing: see ✗.',
  ].join('\n');
}

const SOURCES: Record<string, string> = { LIBTORCH: 'named by LIBTORCH', python: "Python's torch", cache: 'fetched' };

function row(name: string, text: string): string {
  return `${name.padEnd(20)}${text}`.trimEnd();
}

function part(name: string, text: string, problem: Problem | null): string[] {
  if (!problem) return [row(name, text)];
  return [row(name, `✗ ${text}`), ...problem.message.split('\n').map((line) => `    ${line}`)];
}

function describeCudaLine({ available, devices, builtFor, libraries, missing, driver }: Diagnosis['cuda']): string {
  if (available) return `${devices} device${devices === 1 ? '' : 's'}, CUDA ${builtFor}`;
  if (libraries) return driver ? 'libraries and driver are here, but no device answers' : "libraries are here, NVIDIA's driver is not";
  if (missing.length > 0) return `no: libtorch misses ${missing.join(', ')}`;
  return driver ? 'no libraries for the GPU of this machine. Fetch them with: npx torch-interrogator setup --cuda' : 'no GPU';
}
