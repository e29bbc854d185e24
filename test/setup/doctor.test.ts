/** The doctor explains an installation: a sound one, and one for each thing that can be missing. Run as a user runs it. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Diagnosis, formatDiagnosis } from '../../lib/setup/doctor';
import { runCommand } from '../cli/command';
import { tinyClip } from '../support/bundles';

let work: string;
/** A file that is not to be a folder. */
let file: string;

beforeAll(() => {
  work = mkdtempSync(path.join(os.tmpdir(), 'doctor-'));
  file = path.join(work, 'file');
  writeFileSync(file, '');
});

afterAll(() => rmSync(work, { recursive: true, force: true }));

async function doctor(env: NodeJS.ProcessEnv): Promise<{ code: number | null; diagnosis: Diagnosis; text: string }> {
  const { code, stdout, stderr } = await runCommand(['doctor', '--json'], { cwd: work, env });
  expect(stderr).toBe('');
  const diagnosis = JSON.parse(stdout) as Diagnosis;
  expect(code).toBe(diagnosis.ok ? 0 : 1);
  return { code, diagnosis, text: formatDiagnosis(diagnosis) };
}

/** Runs a line in the process that tries a library, before it does. */
function inProbe(library: string, line: string): NodeJS.ProcessEnv {
  const script = path.join(work, `${library}.cjs`);
  writeFileSync(script, `if (process.argv[1].endsWith('probe.js') && process.argv[2] === '${library}') { ${line} }`);
  return { NODE_OPTIONS: `--require ${script}` };
}

test('a sound installation: exit 0, with the libtorch, addon, sharp and CPU that calls run on', async () => {
  const { code, diagnosis, text } = await doctor({});
  expect(code).toBe(0);
  expect(diagnosis.libtorch).toMatchObject({ version: '2.11.0', problem: null, path: expect.any(String) });
  expect(diagnosis.addon).toMatchObject({ loaded: true, problem: null });
  expect(diagnosis.sharp.version).toMatch(/^\d+\./);
  expect(diagnosis.node.supported).toBe(true);
  expect(diagnosis.physicalCores).toBeGreaterThan(0);
  expect(diagnosis.cuda.available).toBe(diagnosis.cuda.devices > 0);
  if (!diagnosis.cuda.libraries) expect(diagnosis.cuda.devices).toBe(0);
  expect(text).toContain(diagnosis.libtorch.path as string);
  expect(text).not.toContain('✗');
});

const MISSING: [string, () => NodeJS.ProcessEnv, keyof Diagnosis, string, RegExp][] = [
  [
    'no libtorch',
    () => ({ LIBTORCH: undefined, LIBTORCH_USE_PYTORCH: undefined, TORCH_INTERROGATOR_CACHE: path.join(work, 'empty') }),
    'libtorch',
    'ERR_LIBTORCH_NOT_FOUND',
    /npx torch-interrogator setup/,
  ],
  ['a LIBTORCH that is none', () => ({ LIBTORCH: work }), 'libtorch', 'ERR_LIBTORCH_NOT_FOUND', /LIBTORCH/],
  ['no addon', () => ({ PREBUILDS_ONLY: '1' }), 'addon', 'ERR_ADDON_NOT_FOUND', /npm run setup/],
  ['an addon that ends the process', () => inProbe('addon', "process.kill(process.pid, 'SIGILL')"), 'addon', 'ERR_ADDON_LOAD', /SIGILL/],
  ['an addon that exits', () => inProbe('addon', 'process.exit(3)'), 'addon', 'ERR_ADDON_LOAD', /does not load/],
  ["a file in the cache folder's place", () => ({ TORCH_INTERROGATOR_CACHE: file }), 'caches', 'ERR_IO', /cannot be written/],
  [
    'a cache folder that cannot be made',
    () => ({ TORCH_INTERROGATOR_CACHE: path.join(file, 'deeper', 'still') }),
    'caches',
    'ERR_IO',
    /TORCH_INTERROGATOR_CACHE/,
  ],
];

test.each(MISSING)('%s: exit 1, with the reason and what to do', async (_, env, part, code, remedy) => {
  const { diagnosis, text } = await doctor(env());
  expect(diagnosis.ok).toBe(false);
  expect(diagnosis[part]).toMatchObject({ problem: { code, message: expect.stringMatching(remedy) } });
  expect(text).toContain('✗');
  expect(text).toMatch(remedy);
});

test('a damaged bundle in the bundle home is named; what is no bundle is left alone', async () => {
  for (const name of ['damaged', 'other']) mkdirSync(path.join(work, 'home', name), { recursive: true });
  writeFileSync(path.join(work, 'home', 'damaged', 'manifest.json'), '{"formatVersion": 1');
  const { diagnosis, text } = await doctor({ TORCH_INTERROGATOR_HOME: path.join(work, 'home') });
  expect(diagnosis.ok).toBe(false);
  expect(diagnosis.damagedBundles).toMatchObject([{ folder: path.join(work, 'home', 'damaged'), problem: { code: 'ERR_BUNDLE_INVALID' } }]);
  expect(text).toContain(path.join(work, 'home', 'damaged'));
});

test.each([
  ['that lacks a file', 'ERR_BUNDLE_INCOMPLETE', (file: string) => rmSync(file)],
  ['of which a file is cut', 'ERR_BUNDLE_DAMAGED', (file: string) => truncateSync(file, 1000)],
])('a bundle %s is named', async (_, code, harm) => {
  const home = path.join(work, code);
  const folder = path.join(home, 'mine');
  cpSync(await tinyClip(), folder, { recursive: true });
  const before = await doctor({ TORCH_INTERROGATOR_HOME: home });
  expect(before.diagnosis).toMatchObject({ ok: true, damagedBundles: [] });
  harm(path.join(folder, 'text.pt'));
  const { diagnosis, text } = await doctor({ TORCH_INTERROGATOR_HOME: home });
  expect(diagnosis).toMatchObject({ ok: false, damagedBundles: [{ folder, problem: { code } }] });
  expect(text).toContain('text.pt');
});

test('sharp is missed, not needed: exit 0', async () => {
  const { diagnosis, text } = await doctor(inProbe('sharp', "throw new Error('on purpose')"));
  expect(diagnosis).toMatchObject({ ok: true, sharp: { version: null, problem: { message: expect.stringMatching(/sharp/) } } });
  expect(text).toContain('npm install sharp');
});
