/** Commands over folders, as people use them: what is printed and written, Ctrl-C, what a second run does, and how one looks at it. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encoded } from '../run/support/picture-set';
import { collect, jsonLines, MAIN, runCommand } from './command';

const SAMPLE = ['--clip', 'sample', '--caption', 'sample', '--device', 'cpu'];

let work: string;
let set: string;
beforeAll(() => {
  work = mkdtempSync(path.join(tmpdir(), 'folders-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));
beforeEach(async () => {
  rmSync(path.join(work, 'set'), { recursive: true, force: true });
  set = path.join(work, 'set');
  mkdirSync(path.join(set, 'raw'), { recursive: true });
  for (let i = 0; i < 3; i += 1) writeFileSync(path.join(set, `${i}.png`), await encoded(i, 'png'));
  writeFileSync(path.join(set, 'raw', '3.webp'), await encoded(3, 'webp'));
});

const run = (args: string[], options = {}) =>
  runCommand([...args, ...SAMPLE, '--cache', path.join(work, 'cache')], { cwd: work, ...options });
const interrogate = (...args: string[]) => run(['interrogate', 'set', '--mode', 'fast', ...args]);
const more = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i += 1) writeFileSync(path.join(set, `more ${i}.png`), await encoded(100 + i, 'png'));
};

test('with an output nothing is printed but how it ended; failures are grouped, and the command that runs only those does', async () => {
  for (const name of ["it's bad.png", 'b.png']) writeFileSync(path.join(set, name), 'no picture');
  const { code, stdout, stderr } = await interrogate('--out', 'out/a.csv', '--sidecar', '.txt');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^4 done, 2 failed in /);
  expect(stderr).toContain('2 × ERR_IMAGE_FORMAT: ');
  expect(
    readdirSync(set)
      .filter((name) => name.endsWith('.txt'))
      .sort(),
  ).toEqual(['0.txt', '1.txt', '2.txt']);
  const [, again] = /^Only these again: (.*)$/m.exec(stderr) as unknown as [string, string];
  writeFileSync(path.join(set, 'b.png'), await encoded(50, 'png'));
  const command = again.replace('npx torch-interrogator', `${process.execPath} ${MAIN}`);
  const second = await collect(spawn('bash', ['-c', command], { cwd: work }));
  expect(second.code).toBe(1);
  expect(second.stderr).toMatch(/^1 done, 4 known, 1 failed in /);
});

test('several modes in one pass: a JSON object a picture, a line a mode', async () => {
  const modes = ['--mode', 'fast,negative,caption'];
  const { code, stdout } = await run(['interrogate', 'set', ...modes, '--json', '--quiet']);
  expect(code).toBe(0);
  const lines = jsonLines<Record<string, string>>(stdout);
  expect(lines).toHaveLength(4);
  for (const { prompt, negative, caption } of lines) expect([prompt, negative, caption].every((text) => /\S/.test(text ?? ''))).toBe(true);
  const text = await run(['interrogate', 'set', ...modes, '--quiet']);
  expect(
    text.stdout
      .split('\n')
      .slice(0, 3)
      .map((line) => line.split('\t')[1]),
  ).toEqual(['fast', 'negative', 'caption']);
});

test('--captions N: so many lines in each text file', async () => {
  await run(['interrogate', 'set', '--captions', '3', '--sidecar', 'txt', '--progress', 'none']);
  const lines = readFileSync(path.join(set, '0.txt'), 'utf8').trimEnd().split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[1]?.startsWith(`${lines[0]}, `)).toBe(true);
});

test('--exclude leaves out files by a glob, words otherwise', async () => {
  const all = jsonLines<{ image: string; prompt: string }>((await interrogate('--json', '--quiet')).stdout);
  const [term] = (all[0]?.prompt ?? '').split(', ').slice(-1) as [string];
  const args = ['--exclude', 'raw/**', '--exclude', term, '--exclude', '/^by /', '--lower', '--trigger', 'sks'];
  const some = jsonLines<{ image: string; prompt: string }>((await interrogate('--json', '--quiet', ...args)).stdout);
  expect(some.map(({ image }) => image)).toEqual(['set/0.png', 'set/1.png', 'set/2.png']);
  for (const { prompt } of some) expect([prompt.startsWith('sks, '), prompt.split(', ').includes(term)]).toEqual([true, false]);
});

test('lists on standard input, and the words before and after without anything written', async () => {
  const list = path.join(work, 'list.txt');
  writeFileSync(list, 'set/1.png\n{"image": "set/raw/3.webp"}\n');
  const args = ['interrogate', '--from', '-', '--mode', 'fast', '--no-state', '--quiet', ...SAMPLE, '--cache', path.join(work, 'cache')];
  const child = spawn('bash', ['-c', '"$@" < list.txt', '_', process.execPath, MAIN, ...args], { cwd: work });
  expect((await collect(child)).stdout.split('\n').map((line) => line.split('\t')[0])).toEqual(['set/1.png', 'set/raw/3.webp', '']);
  const { code, stdout } = await interrogate('--dry-run', '--trigger', 'sks', '--sidecar', '.txt', '--out', 'dry.csv');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^set\/0\.png\nbefore .*\n(.*\n)*after {3}sks, /);
  expect([existsSync(path.join(work, 'dry.csv')), existsSync(path.join(set, '0.txt'))]).toEqual([false, false]);
});

test('--dry-run: all modes of ten pictures before and after; pictures that fail are told of, and count as in a run', async () => {
  await more(9);
  const modes = ['interrogate', 'set', '--mode', 'fast,negative,caption', '--dry-run', '--suffix', ', painted'];
  const good = await run(modes);
  expect([good.code, good.stderr]).toEqual([0, '']);
  const titles = [...good.stdout.matchAll(/^(set\/.*) \((\w+)\)\nbefore /gm)];
  expect(titles.map(([, , mode]) => mode)).toEqual(Array(10).fill(['fast', 'negative', 'caption']).flat());
  expect(new Set(titles.map(([, name]) => name)).size).toBe(10);
  // Negative texts have no suffix.
  expect(good.stdout.match(/ {6}\+ painted/g)).toHaveLength(20);
  rmSync(set, { recursive: true });
  mkdirSync(set);
  writeFileSync(path.join(set, 'bad.png'), 'no picture');
  const bad = await run(modes);
  expect([bad.code, bad.stdout]).toEqual([1, '']);
  expect(bad.stderr).toMatch(/^set\/bad\.png: error: .*ERR_IMAGE_FORMAT/);
  writeFileSync(path.join(set, 'good.png'), await encoded(1, 'png'));
  const both = await run(modes);
  expect([both.code, both.stdout.match(/^before/gm)?.length]).toEqual([1, 3]);
});

test.each([['--no-state'], ['--state', 'kept']])('%s %s: what another run can do is told where there is a state', async (...state) => {
  writeFileSync(path.join(set, 'bad.png'), 'no picture');
  const { code, stderr } = await interrogate('--out', `${state[0]}.jsonl`, ...state);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/^4 done, 1 failed in /)]);
  expect(stderr.includes('Only these again: ')).toBe(state[0] === '--state');
});

test('features of images and texts: Ctrl-C ends both', async () => {
  await more(150);
  const command = ['features', 'set', '--text', 'a', 'b', '--json', '--concurrency', '1', '--clip', 'sample', '--device', 'cpu'];
  const child = spawn(process.execPath, [MAIN, ...command], { cwd: work });
  child.stdout.once('data', () => child.kill('SIGINT'));
  const { code, stdout } = await collect(child);
  expect(code).toBe(130);
  const lines = jsonLines<{ image?: string; text?: string }>(stdout);
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.length).toBeLessThan(154);
  expect(lines.filter(({ text }) => text !== undefined)).toEqual([]);
});

test('Ctrl-C: what is under way comes to its end, 130; the same command goes on; status tells of both', async () => {
  await more(150);
  const args = [
    'interrogate',
    'set',
    '--mode',
    'fast',
    '--out',
    'c.jsonl',
    '--concurrency',
    '2',
    ...SAMPLE,
    '--cache',
    path.join(work, 'cache'),
    '--progress',
    'json',
  ];
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: work });
  let events = '';
  const running = new Promise<string>((resolve) => {
    child.stderr.on('data', (text) => {
      events += text;
      if (!/"done":([3-9]|\d\d)/.test(events)) return;
      void runCommand(['status', 'set', '--json'], { cwd: work }).then(({ stdout }) => resolve(stdout));
      child.stderr.removeAllListeners('data');
      child.stderr.resume();
    });
  });
  // The state is beside the output.
  const elsewhere = await running;
  expect(elsewhere).toBe('');
  const status = jsonLines<{ state: string; total: number; pid: number }>(
    (await runCommand(['status', '.', '--json'], { cwd: work })).stdout,
  )[0];
  expect(status).toMatchObject({ state: 'running', pid: child.pid });
  child.kill('SIGINT');
  expect((await collect(child)).code).toBe(130);
  expect((await runCommand(['status', '.'], { cwd: work })).stdout).toMatch(/^interrupted .*goes on where it was$/m);
  const { code, stderr } = await run(['interrogate', 'set', '--mode', 'fast', '--out', 'c.jsonl', '--progress', 'json']);
  expect(code).toBe(0);
  const end = jsonLines<{ event: string; done: number; kept: number }>(stderr).at(-1);
  expect(end).toMatchObject({ event: 'end' });
  expect((end?.done ?? 0) + (end?.kept ?? 0)).toBe(154);
  expect(end?.kept).toBeGreaterThanOrEqual(3);
}, 120_000);

test('a second Ctrl-C ends it at once, and nothing is lost but what was under way', async () => {
  await more(150);
  const child = spawn(
    process.execPath,
    [MAIN, 'interrogate', 'set', '--mode', 'best', '--out', 'd.jsonl', ...SAMPLE, '--progress', 'json'],
    { cwd: work },
  );
  let events = '';
  child.stderr.on('data', (text) => {
    events += text;
    if (!/"done":[1-9]/.test(events)) return;
    child.stderr.removeAllListeners('data');
    child.kill('SIGINT');
    setTimeout(() => child.kill('SIGINT'), 20);
  });
  const signal = await new Promise((resolve) => child.on('exit', (code, name) => resolve(name ?? code)));
  expect(['SIGINT', 130]).toContain(signal);
}, 120_000);

test.each([
  [['--redo', '--only-errors'], /do not go together/],
  [['--out', 'x.docx'], /of no known format/],
  [['--template', '{captoin}'], /did you mean \{caption\}/],
  [['--sidecar-name', '{base}'], /\{base\} stands for nothing/],
  [['--replace', 'nothing'], /replaces nothing/],
  [['--mode', 'fast,slow'], /Allowed choices/],
  [['--captions', '2'], /--captions 2 and --mode fast .*one of the two/],
  [['--include', '[z-a].png'], /include: "\[z-a\]\.png" is no glob/],
])('%j is wrong usage: exit 2, told before anything is loaded', async (args, message) => {
  const { code, stderr } = await interrogate(...args);
  expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
});

test.each([80, 200])(
  'on a terminal of %i columns the line never wraps',
  async (columns) => {
    await more(40);
    const command = [process.execPath, MAIN, 'interrogate', 'set', '--mode', 'fast', '--out', `t${columns}.jsonl`, ...SAMPLE].join(' ');
    const child = spawn('script', ['--quiet', '--return', '--command', `stty cols ${columns} rows 24; ${command}`, '/dev/null'], {
      cwd: work,
    });
    const { code, stdout } = await collect(child);
    expect(code).toBe(0);
    const shown = stdout.split(/\r\x1b\[K|\r?\n/);
    const lines = shown.filter((line) => /\d\/44/.test(line));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line.length).toBeLessThan(columns);
    expect(lines.at(-1)).toMatch(/44\/44.* cpu/);
    if (columns === 200) expect(lines.some((line) => line.includes('█'))).toBe(true);
  },
  60_000,
);
