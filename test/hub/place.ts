/** A place for a test of the hub: repositories, a stand-in that serves them, an empty cache, and nothing of the user's settings. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { cachedFile } from '../../lib/hub';
import { type HubOptions, StandInHub } from '../support/hub';
import { exporterPython } from '../support/python';

const SETTINGS = /^(HF_|HUGGING|TRANSFORMERS_|XDG_CACHE_HOME|NODE_EXTRA_CA_CERTS$|(https?|no|all)_proxy$)/i;

export interface Place {
  folder: string;
  /** Where the cache is. */
  cache: string;
  hub: StandInHub;
  /** Writes a file of a repository: its bytes, or as many random ones. */
  write(repository: string, file: string, content: Buffer | number): Buffer;
  leave(): Promise<void>;
}

/** Sets the process's environment for the cache and the stand-in, until the place is left. */
export async function makePlace(options: HubOptions = {}): Promise<Place> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hub-'));
  const root = path.join(folder, 'repositories');
  mkdirSync(root);
  const hub = await StandInHub.start(root, { largeFrom: 100_000, ...options });
  const saved = { ...process.env };
  for (const name of Object.keys(process.env)) if (SETTINGS.test(name)) delete process.env[name];
  const home = path.join(folder, 'huggingface');
  Object.assign(process.env, { HF_ENDPOINT: hub.endpoint, HF_HOME: home, NO_PROXY: '127.0.0.1' });
  let made = 0;
  return {
    folder,
    cache: path.join(home, 'hub'),
    hub,
    write(repository, file, content) {
      const bytes = typeof content === 'number' ? noise(made++, content) : content;
      const at = path.join(root, repository, file);
      mkdirSync(path.dirname(at), { recursive: true });
      writeFileSync(at, bytes);
      return bytes;
    },
    async leave() {
      process.env = saved;
      await hub.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Random bytes, the same for the same seed. */
function noise(seed: number, length: number): Buffer {
  const key = Buffer.alloc(16, seed + 1);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
export const gitBlob = (bytes: Buffer): string => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

/** Where the cache keeps a repository's contents. */
export function contentsOf({ cache }: Place, repository: string): string {
  return path.join(cache, `models--${repository.replace('/', '--')}`, 'blobs');
}

/** Where what came of a large content is kept until it is whole. */
export function partOf(place: Place, repository: string, content: Buffer): string {
  return path.join(contentsOf(place, repository), `${sha256(content)}.torch-interrogator.incomplete`);
}

/** There is this file in the cache, and nothing else. */
export async function expectOnly(place: Place, repository: string, file: string, content: Buffer): Promise<void> {
  const found = await cachedFile(repository, file);
  expect(readFileSync(found as string).equals(content)).toBe(true);
  expect(readdirSync(contentsOf(place, repository))).toEqual([content.length < 100_000 ? gitBlob(content) : sha256(content)]);
  expect(listing(path.join(place.cache, '.locks'))).toEqual([]);
}

/** What the folder holds, with all below it, links told by an arrow. */
export function listing(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

interface PythonReport {
  cache: string;
  offline: boolean;
  paths?: string[];
  snapshot?: string;
  warnings?: string[];
  repositories?: string[];
  error?: string;
}

/** What Python's huggingface_hub says to this, in this environment. */
export async function askPython(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<PythonReport> {
  const all = { ...process.env, HF_HUB_DISABLE_PROGRESS_BARS: '1', HF_HUB_DISABLE_TELEMETRY: '1', ...env };
  const { stdout } = await promisify(execFile)(await exporterPython(), [path.join(__dirname, 'hub_client.py'), ...args], { env: all });
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as PythonReport;
}

export interface FetchReport {
  paths?: string[];
  error?: { code: string; message: string; hint: string; reason?: string };
}

/** A process that fetches these files; its end with what it printed. */
export function fetchInProcess(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { child: ChildProcess; end: Promise<{ report: FetchReport; lines: string[] }> } {
  const script = path.join(__dirname, '..', 'support', 'hub-fetch-process.cjs');
  const child = spawn(process.execPath, [script, ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout?.on('data', (text) => {
    printed += text;
  });
  const end = new Promise<{ report: FetchReport; lines: string[] }>((resolve) => {
    child.once('close', () => {
      const lines = printed.trim().split('\n');
      const last = lines.at(-1) ?? '';
      resolve({ report: last.startsWith('{') ? JSON.parse(last) : {}, lines });
    });
  });
  return { child, end };
}
