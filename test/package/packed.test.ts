/**
 * The package as npm gives it to a stranger: packed, installed in an empty folder, run by its command with an empty home and a PATH that
 * has Node alone. Weights come from a stand-in for the hub, libtorch and term lists from the package index.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { expectSameChain } from '../parity/compare';
import { Reference, type ReferenceMode } from '../parity/reference';
import { StandInHub } from '../support/hub';
import { REPOSITORY } from '../support/python';
import { BLIP_BASE, publishedRepositories, VIT_B_32 } from '../support/repositories';

const run = promisify(execFile);
const VOCABULARY = path.join(__dirname, '..', 'parity', 'reference', 'vocabulary');

let work: string;
let hub: StandInHub;
let repositories: string;
let photograph: string;
let reference: Reference;

/** Runs a program in the folder of the project, as somebody does who has nothing but Node. */
async function npx(args: string[], settings: Record<string, string> = {}) {
  const kept = Object.entries(process.env).filter(([name]) => /^(pip_|npm_config_|https?_proxy|no_proxy|ssl_cert|node_extra)/i.test(name));
  const env = {
    ...Object.fromEntries(kept),
    PATH: path.join(work, 'bin'),
    HOME: path.join(work, 'home'),
    HF_ENDPOINT: hub.endpoint,
    PREBUILDS_ONLY: '1',
    ...settings,
  };
  return run(path.join(work, 'bin', 'npx'), ['--no-install', 'torch-interrogator', ...args], {
    cwd: path.join(work, 'project'),
    env,
    maxBuffer: 1 << 26,
  });
}

/** The package's files in a folder of their own, with the addon that was built here as its prebuilt one. */
async function pack(): Promise<string> {
  const staging = path.join(work, 'staging');
  const { files } = require(path.join(REPOSITORY, 'package.json')) as { files: string[] };
  const listed = files.filter((name) => !name.startsWith('!'));
  for (const name of [...listed, 'package.json', 'README.md', 'LICENSE']) {
    if (existsSync(path.join(REPOSITORY, name))) cpSync(path.join(REPOSITORY, name), path.join(staging, name), { recursive: true });
  }
  const prebuilds = path.join(staging, 'prebuilds', `${process.platform}-${process.arch}`);
  rmSync(path.join(staging, 'prebuilds'), { recursive: true, force: true });
  mkdirSync(prebuilds, { recursive: true });
  const built = path.join(REPOSITORY, 'build', 'cmake', 'Release');
  cpSync(path.join(built, 'interrogator.node'), path.join(prebuilds, 'torch-interrogator.glibc.node'));
  cpSync(path.join(built, 'interrogator_loader.node'), path.join(prebuilds, 'interrogator_loader.glibc.node'));
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', work], { cwd: staging, maxBuffer: 1 << 26 });
  return path.join(work, readdirSync(work).find((name) => name.endsWith('.tgz')) as string);
}

beforeAll(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'packed-'));
  repositories = await publishedRepositories([VIT_B_32, BLIP_BASE]);
  hub = await StandInHub.start(repositories);
  reference = await Reference.start();
  photograph = path.join(await reference.call<string>('photographs'), 'coffee.png');
  for (const folder of ['bin', 'home', 'project']) mkdirSync(path.join(work, folder));
  const { stdout: npm } = await run('which', ['npm']);
  for (const [name, target] of [
    ['node', process.execPath],
    ['npm', npm.trim()],
    ['npx', path.join(path.dirname(npm.trim()), 'npx')],
    ['sh', '/bin/sh'],
  ] as const) {
    symlinkSync(target, path.join(work, 'bin', name));
  }
  const tarball = await pack();
  writeFileSync(path.join(work, 'project', 'package.json'), '{"private": true}');
  // As npm 12 does it: no script of a dependency runs.
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', tarball], { cwd: path.join(work, 'project') });
}, 900_000);

afterAll(async () => {
  await hub?.stop();
  await reference?.stop();
  rmSync(work, { recursive: true, force: true });
});

test('the server’s page is in the package, with compressed copies of all that it loads', () => {
  const page = path.join(work, 'project', 'node_modules', 'torch-interrogator', 'dist', 'web');
  const document = readFileSync(path.join(page, 'index.html'), 'utf8');
  const loaded = [...document.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, file]) => file as string);
  expect(loaded.map((file) => path.extname(file)).sort()).toEqual(['.css', '.js', '.svg']);
  for (const file of ['index.html', ...loaded]) {
    const plain = readFileSync(path.join(page, file));
    expect(brotliDecompressSync(readFileSync(path.join(page, `${file}.br`)))).toEqual(plain);
    expect(gunzipSync(readFileSync(path.join(page, `${file}.gz`)))).toEqual(plain);
  }
});

test('setup and interrogate print the prompt that clip-interrogator prints with the same weights', async () => {
  const { stdout: libtorch, stderr: fetching } = await npx(['setup']);
  expect(libtorch).toContain(path.join(work, 'home'));
  expect(fetching).toMatch(/Downloading torch 2\.11\.0/);

  const named = ['--clip', VIT_B_32.name, '--caption', BLIP_BASE.name, '--data', VOCABULARY];
  const few = ['--min-flavors', '2', '--max-flavors', '3'];
  const { stdout, stderr } = await npx(['interrogate', photograph, ...named, ...few, '--json']);
  expect(stderr).toContain(`Downloading ${VIT_B_32.name}`);
  expect(stderr).toContain(`Downloading ${BLIP_BASE.name}`);
  const answer = JSON.parse(stdout) as { prompt: string; caption: string };

  await reference.call('load', {
    clip: { name: VIT_B_32.name, seed: VIT_B_32.seed },
    caption: path.join(repositories, BLIP_BASE.repository),
    options: { cache_path: path.join(work, 'theirs'), data_path: VOCABULARY },
  });
  const caption = await reference.call<string>('caption', { path: photograph });
  expect(answer.caption).toBe(caption);
  const theirs = await reference.call<ReferenceMode>('mode', {
    name: 'best',
    path: photograph,
    arguments: { caption, min_flavors: 2, max_flavors: 3 },
  });
  const phrases = await reference.call<string[]>('merged_labels');
  await expectSameChain(reference, photograph, answer.prompt, theirs, { start: caption, phrases });

  // What is here is asked for no more.
  const requests = hub.requests.length;
  const again = await npx(['interrogate', photograph, ...named, ...few, '--json'], { HF_HUB_OFFLINE: '1' });
  expect(JSON.parse(again.stdout)).toMatchObject({ prompt: answer.prompt });
  expect(hub.requests).toHaveLength(requests);
}, 900_000);
