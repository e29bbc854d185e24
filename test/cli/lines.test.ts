/** What the commands print of their inputs: a line each, in order, that names the input, whether it failed or not. */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { collect, jsonLines, MAIN, runCommand } from './command';

const APPLE = path.join(__dirname, '..', '..', 'models', 'sample', 'images', 'apple.png');
const ROCKET = path.join(path.dirname(APPLE), 'rocket.png');
const CLIP = ['--clip', 'sample', '--device', 'cpu', '--quiet'];

interface Line {
  image?: string;
  text?: string;
  prompt?: string;
  ranked?: { label: string; similarity: number }[];
  features?: number[];
  error?: { code: string; message: string; hint?: string };
}

let work: string;
let labels: string;
/** Good, bad and missing ones, mixed. */
let images: string[];

beforeAll(() => {
  work = mkdtempSync(path.join(tmpdir(), 'lines-'));
  labels = path.join(work, 'labels.txt');
  writeFileSync(labels, Array.from({ length: 3000 }, (_, i) => `label ${i}\n`).join(''));
  images = Array.from({ length: 12 }, (_, i) => {
    const file = path.join(work, `${i}.png`);
    if (i % 4 < 2) copyFileSync(APPLE, file);
    else if (i % 4 === 2) writeFileSync(file, i % 8 < 4 ? '' : 'no image');
    return file;
  });
});

afterAll(() => rmSync(work, { recursive: true, force: true }));

const run = (args: string[], options = {}) => runCommand([...args, ...CLIP], { cwd: work, ...options });
/** The command as "$@" of a script. */
const shell = (script: string, command: string) =>
  collect(spawn('bash', ['-o', 'pipefail', '-c', script, '_', process.execPath, MAIN, command, ...CLIP], { cwd: work }));
const codes = ['good', 'good', 'ERR_IMAGE_EMPTY', 'ERR_IMAGE_NOT_FOUND', 'good', 'good', 'ERR_IMAGE_FORMAT', 'ERR_IMAGE_NOT_FOUND'];

const COMMANDS: [string, (files: string[]) => string[]][] = [
  ['interrogate', (files) => ['interrogate', ...files, '--mode', 'fast', '--caption-text', 'a thing']],
  ['interrogate --mode caption', (files) => ['interrogate', ...files, '--mode', 'caption', '--caption', 'sample']],
  ['rank', (files) => ['rank', ...files, '--labels', labels, '--top', '2']],
  ['features', (files) => ['features', '--image', ...files]],
];

describe.each(COMMANDS)('%s', (_, command) => {
  test('--json: a record for each image, in order, the failed ones with what was wrong and what to do', async () => {
    const { code, stdout, stderr } = await run([...command(images), '--json']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const lines = jsonLines<Line>(stdout);
    expect(lines.map(({ image }) => image)).toEqual(images);
    expect(lines.map(({ error }) => error?.code ?? 'good')).toEqual(images.map((_, i) => codes[i % 8]));
    for (const { error } of lines) {
      if (!error) continue;
      expect(error).toEqual({ code: expect.any(String), message: expect.stringMatching(/^.+$/), hint: expect.stringMatching(/\S/) });
    }
  });
});

test.each(COMMANDS.slice(1, 3))('%s as text: every line begins with its image', async (_, command) => {
  const { code, stdout, stderr } = await run(command(images));
  expect(code).toBe(1);
  const named = (text: string, mark: string): string[] =>
    text
      .trim()
      .split('\n')
      .map((line) => line.split(mark)[0] as string);
  const good = images.filter((_, i) => codes[i % 8] === 'good');
  expect([...new Set(named(stdout, '\t'))]).toEqual(good);
  const errors = stderr.split('\n').filter((line) => line.includes('error: '));
  expect(named(errors.join('\n'), ': ')).toEqual(images.filter((image) => !good.includes(image)));
});

test('an interrogator with few places is not asked for more', async () => {
  const few = ['--max-batch', '1', '--max-queue', '1', '--max-flavors', '2', '--min-flavors', '1', '--json'];
  const { code, stdout } = await run(['interrogate', ...Array(6).fill(APPLE), '--caption-text', 'a thing', ...few]);
  expect(jsonLines<Line>(stdout).map(({ error }) => error?.code)).toEqual(Array(6).fill(undefined));
  expect(code).toBe(0);
});

describe('features of texts', () => {
  let list: string;

  beforeAll(() => {
    list = path.join(work, 'texts.txt');
    writeFileSync(list, Array.from({ length: 20_000 }, (_, i) => `text number ${i}\n`).join(''));
  });

  test('come as they are made: what was printed before Ctrl-C is whole', async () => {
    const child = spawn(process.execPath, [MAIN, 'features', '--text-file', list, '--json', ...CLIP], { cwd: work });
    child.stdout.once('data', () => child.kill('SIGINT'));
    const { code, stdout, stderr } = await collect(child);
    expect({ code, stderr }).toEqual({ code: 130, stderr: 'interrupted\n' });
    const lines = jsonLines<Line>(stdout);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(20_000);
    expect(lines.map(({ text }) => text)).toEqual(lines.map((_, i) => `text number ${i}`));
    for (const { features } of lines.slice(0, 50)) expect(Math.hypot(...(features ?? []))).toBeCloseTo(1, 4);
  });

  test('a reader that has enough ends the command without a word', async () => {
    const result = await shell(`"$@" --text-file '${list}' | head -n 1`, 'features');
    expect(result).toEqual({ code: 0, stdout: expect.stringMatching(/^text number 0\t[-\d. e]+\n$/), stderr: '' });
  });
});

describe('rank', () => {
  test('gives as many as asked, whatever quota would leave, and keeps the embeddings of the labels for the next run', async () => {
    const cache = path.join(work, 'kept');
    const command = ['rank', APPLE, '--cache', cache, '--top', '2500', '--json', '--labels'];
    const { stdout } = await run([...command, labels]);
    const [{ ranked = [] } = {}] = jsonLines<Line>(stdout);
    expect(ranked).toHaveLength(2500);
    const similarities = ranked.map(({ similarity }) => similarity);
    expect(similarities).toEqual([...similarities].sort((a, b) => b - a));
    const [kept, ...others] = readdirSync(cache);
    expect(others).toEqual([]);
    const made = statSync(path.join(cache, kept as string)).mtimeMs;
    const copy = path.join(work, 'copy.txt');
    copyFileSync(labels, copy);
    const quota = await run([...command, copy, '--ranking', 'quota']);
    expect(jsonLines<Line>(quota.stdout)[0]?.ranked?.length).toBeLessThan(2048);
    expect(statSync(path.join(cache, kept as string)).mtimeMs).toBe(made);
  });
});

test('- is an image on standard input; texts of the command line and of a pipe are one list', async () => {
  const few = path.join(work, 'few.txt');
  writeFileSync(few, 'c\n\nd\n');
  const script = `exec "$@" --image - '${APPLE}' --text a b --text-file <(cat '${few}') --json < '${APPLE}'`;
  const { code, stdout } = await shell(script, 'features');
  expect(code).toBe(0);
  const lines = jsonLines<Line>(stdout);
  expect(lines.map(({ image, text }) => image ?? text)).toEqual(['-', APPLE, 'a', 'b', 'c', 'd']);
  expect(lines[0]?.features).toEqual(lines[1]?.features);
});

test('<(…) of a shell and a name that is no UTF-8 are images too', async () => {
  const folder = path.join(work, 'bytes');
  mkdirSync(folder);
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9]), Buffer.from('.png')]), readFileSync(APPLE));
  const script = `LC_ALL=C; exec "$@" --image <(cat '${APPLE}') '${folder}'/caf?.png --json`;
  const { code, stdout } = await shell(script, 'features');
  expect(code).toBe(0);
  const [piped, named] = jsonLines<Line>(stdout);
  expect(piped?.image).toMatch(/^\/dev\/fd\//);
  expect(named?.image).toBe(`${folder}/caf\\xe9.png`);
  expect(piped?.features).toEqual(named?.features);
});

test('two names that read alike where they are no UTF-8 are two images; an option may have such a name too', async () => {
  const folder = path.join(work, 'alike');
  mkdirSync(folder);
  const names = [0xe9, 0xe8].map((byte) => Buffer.concat([Buffer.from(`${folder}/x`), Buffer.from([byte])]));
  const pictures = [APPLE, ROCKET];
  for (const [i, name] of names.entries()) {
    writeFileSync(Buffer.concat([name, Buffer.from('.png')]), readFileSync(pictures[i] as string));
    writeFileSync(Buffer.concat([name, Buffer.from('.txt')]), `text ${i}\n`);
  }
  const script = `LC_ALL=C; cd '${folder}'; exec "$@" --image=$'x\\xe9.png' --image $'x\\xe8.png' '${APPLE}' '${ROCKET}' --text-file $'x\\xe8.txt' --json`;
  const { code, stdout } = await shell(script, 'features');
  expect(code).toBe(0);
  const lines = jsonLines<Line>(stdout);
  expect(lines.map(({ image, text }) => image ?? text)).toEqual(['x\\xe9.png', 'x\\xe8.png', APPLE, ROCKET, 'text 1']);
  const apart = (a: number, b: number): number => Math.max(...features[a]!.map((value, i) => Math.abs(value - features[b]![i]!)));
  const features = lines.map((line) => line.features);
  expect([apart(0, 2) < 1e-4, apart(1, 3) < 1e-4, apart(0, 1) > 0.1]).toEqual([true, true, true]);
});

test('on a terminal, what is under way never runs into a line of output', async () => {
  const copies = Array.from({ length: 6 }, (_, i) => {
    const file = path.join(work, `copy-${i}.png`);
    copyFileSync(APPLE, file);
    return file;
  });
  const command = [
    process.execPath,
    MAIN,
    'interrogate',
    ...copies,
    '--clip',
    'sample',
    '--caption',
    'sample',
    '--max-flavors',
    '3',
    '--min-flavors',
    '1',
    '--no-cache',
    '--device',
    'cpu',
  ];
  const { code, stdout } = await collect(
    spawn('script', ['--quiet', '--return', '--command', command.join(' '), '/dev/null'], { cwd: work }),
  );
  expect(code).toBe(0);
  // As the terminal ends up: a line erased is gone, whatever was on it.
  const lines = stdout
    .trimEnd()
    .split(/\r*\n/)
    .map((line) => line.slice(line.lastIndexOf('\r\x1b[K') + 1).replace('\x1b[K', ''));
  // A person at a terminal is told how it ended.
  expect(lines.pop()).toMatch(/^6 done, 0 failed in /);
  expect(lines.map((line) => line.split('\t')[0])).toEqual(copies);
  expect(stdout).toMatch(/Loading models \d\/3|load \d\/3/);
});
