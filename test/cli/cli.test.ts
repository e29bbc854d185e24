/** The command line, run as its own process on the sample bundle. */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { jsonLines, MAIN, runCommand, runHere } from './command';

const SAMPLE_IMAGES = path.join(__dirname, '..', '..', 'models', 'sample', 'images');
const SAMPLE = ['--clip', 'sample', '--caption', 'sample', '--device', 'cpu'];

interface Line {
  image: string;
  mode?: string;
  prompt?: string;
  caption?: string | null;
  similarity?: number;
  error?: { code: string; message: string };
}

let work: string;
let image: string;

beforeAll(() => {
  work = mkdtempSync(path.join(tmpdir(), 'cli-'));
  const name = readdirSync(SAMPLE_IMAGES).find((file) => file.endsWith('.png')) as string;
  image = path.join(SAMPLE_IMAGES, name);
});

afterAll(() => rmSync(work, { recursive: true, force: true }));

const run = (args: string[], options = {}) => runCommand(args, { cwd: work, ...options });

test.each([
  [[]],
  [['interrogate']],
  [['rank']],
  [['features']],
  [['export']],
  [['export', 'clip']],
  [['export', 'caption']],
  [['models']],
  [['doctor']],
  [['setup']],
])('%j --help explains itself and exits 0', async (command) => {
  const { code, stdout } = await runHere([...command, '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Usage: torch-interrogator/);
});

test.each([
  ['an unknown command', ['interogate', 'x.png']],
  ['an unknown option', ['interrogate', 'x.png', '--colour', 'red']],
  ['a missing argument', ['interrogate']],
  ['an unknown mode', ['interrogate', 'x.png', '--mode', 'better']],
  ['a count that is no number', ['interrogate', 'x.png', '--max-flavors', 'many']],
  ['a mode that needs a caption without one', ['interrogate', 'x.png', '--caption', 'none', '--clip', 'sample']],
  ['captions without a model', ['interrogate', 'x.png', '--mode', 'caption', '--caption', 'none', '--clip', 'sample']],
  ['an unknown device', ['interrogate', 'x.png', '--device', 'tpu', '--clip', 'sample', '--caption', 'sample']],
  ['chain options of another mode', ['interrogate', 'x.png', '--mode', 'fast', '--min-flavors', '3']],
  ['fewer terms at most than at least', ['interrogate', 'x.png', '--min-flavors', '9', '--max-flavors', '8']],
  ['features of nothing', ['features', '--clip', 'sample']],
  ['rank without labels', ['rank', 'x.png']],
  ['a labels file that is not there', ['rank', 'x.png', '--labels', 'none.txt', '--clip', 'sample']],
  ['a data folder without term lists', ['interrogate', 'x.png', '--data', '.', '--clip', 'sample', '--caption', 'sample']],
  ['a folder that is no bundle', ['interrogate', 'x.png', '--clip', '.', '--caption', 'sample']],
])('%s is a usage error: exit 2, one explanation, no stack', async (_, args) => {
  const { code, stdout, stderr } = await runHere(args);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/error: /);
  expect(stderr).not.toMatch(/^\s+at /m);
});

test.each([
  ['kill -9 $$', /was ended by SIGKILL, most likely because memory ran out/],
  ['exit 3', /ended with code 3.*PYTHON/],
])('an exporter that ends by %s says so', async (end, said) => {
  const python = path.join(work, 'python');
  writeFileSync(python, `#!/bin/sh\n${end}\n`, { mode: 0o755 });
  const { code, stderr } = await run(['export', 'clip', 'ViT-B-32/'], { env: { PYTHON: python } });
  expect(code).toBe(1);
  expect(stderr).toMatch(said);
});

test('an unknown model name exits 2 with the nearest names and the command that fetches', async () => {
  const { code, stderr } = await runHere(['interrogate', image, '--clip', 'ViT-L-14/opnai', '--caption-text', 'x']);
  expect(code).toBe(2);
  expect(stderr).toContain('ViT-L-14/openai');
  expect(stderr).toMatch(/torch-interrogator pull ViT-L-14/);
});

test.each(['best', 'fast', 'classic', 'negative', 'caption'])(
  '--mode %s --json gives one object an image',
  async (mode) => {
    const { code, stdout, stderr } = await run(['interrogate', image, '--mode', mode, ...SAMPLE, '--json', '--quiet']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [line, ...rest] = jsonLines<Line>(stdout);
    expect(rest).toEqual([]);
    expect(line).toMatchObject({ image, [mode === 'negative' ? 'negative' : 'prompt']: expect.stringMatching(/\S/) });
    expect(line?.similarity).toBeGreaterThan(-1);
    expect(line?.similarity).toBeLessThanOrEqual(1);
    if (mode !== 'negative') expect(line?.caption).toEqual(expect.stringMatching(/\S/));
  },
  60_000,
);

test('bad inputs among good ones: each is reported, the good ones are answered, exit 1', async () => {
  const folder = path.join(work, 'mixed');
  mkdirSync(path.join(folder, 'deeper'), { recursive: true });
  copyFileSync(image, path.join(folder, 'deeper', 'good.png'));
  writeFileSync(path.join(folder, 'empty.png'), '');
  writeFileSync(path.join(folder, 'text.jpg'), 'not an image at all\n');
  writeFileSync(path.join(folder, 'notes.txt'), 'left out');
  const args = [folder, path.join(work, 'missing.png')];
  const { code, stdout } = await run(['interrogate', ...args, '--mode', 'fast', ...SAMPLE, '--json', '--quiet']);
  expect(code).toBe(1);
  const answers = jsonLines<Line>(stdout).map(({ image, prompt, error }) => [path.basename(image), error?.code ?? typeof prompt]);
  expect(answers).toEqual([
    ['good.png', 'string'],
    ['empty.png', 'ERR_IMAGE_EMPTY'],
    ['text.jpg', 'ERR_IMAGE_FORMAT'],
    ['missing.png', 'ERR_IMAGE_NOT_FOUND'],
  ]);
}, 60_000);

test('a folder without images is an input that failed: exit 1', async () => {
  const folder = path.join(work, 'no-images');
  mkdirSync(folder);
  const { code, stdout, stderr } = await run(['interrogate', folder, '--mode', 'fast', ...SAMPLE, '--quiet']);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('ERR_IMAGE_NOT_FOUND');
  expect(stderr).toContain(folder);
}, 60_000);

describe('http inputs', () => {
  let server: Server;
  let url: string;

  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === '/image') response.end(readFileSync(image));
      else response.writeHead(404).end('no such page');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => server.close());

  test('are fetched; a 404 is that input alone failing', async () => {
    const args = ['interrogate', `${url}/image`, `${url}/nothing`, '--mode', 'fast', ...SAMPLE, '--json', '--quiet'];
    const { code, stdout } = await run(args);
    expect(code).toBe(1);
    const [first, second] = jsonLines<Line>(stdout);
    expect(first).toMatchObject({ image: `${url}/image`, prompt: expect.any(String) });
    expect(second).toMatchObject({ image: `${url}/nothing`, error: { code: 'ERR_NETWORK', message: expect.stringContaining('404') } });
  }, 60_000);
});

test('models --installed lists the sample pair', async () => {
  const { code, stdout } = await runHere(['models', '--installed', '--json']);
  expect(code).toBe(0);
  const kinds = (JSON.parse(stdout) as { kind: string; name: string }[]).filter(({ name }) => name === 'sample').map(({ kind }) => kind);
  expect(kinds.sort()).toEqual(['caption', 'clip']);
});

test('models --json tells that this version supports every captioner', async () => {
  const { stdout } = await runHere(['models', '--kind', 'caption', '--json']);
  const records = JSON.parse(stdout) as { name: string; supported: boolean }[];
  expect(records.find(({ name }) => name === 'blip-base')?.supported).toBe(true);
  expect(records.filter(({ supported }) => supported === false)).toEqual([]);
});

(existsSync('/dev/full') ? test : test.skip)(
  'an output that cannot be written is an error, not a stack',
  async () => {
    const full = openSync('/dev/full', 'w');
    const child = spawnSync(process.execPath, [MAIN, 'models'], { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' });
    closeSync(full);
    expect([child.status, child.stderr]).toEqual([1, expect.stringMatching(/^error: The output cannot be written: .*\(ERR_IO\)\n$/)]);
  },
  60_000,
);
