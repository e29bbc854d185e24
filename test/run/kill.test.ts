/** A folder run is killed again and again, and still nothing is lost, and nothing done twice. Over pictures of all formats, some of them broken. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LEDGER_FILE } from '../../lib/run/ledger/ledger';
import { isPicture, openLine, type PictureLine } from '../../lib/run/ledger/line';
import { jsonLines, MAIN, runCommand } from '../cli/command';
import { Random } from '../fuzz/support/random';
import { makePictureSet, type PictureSet } from './support/picture-set';

const PICTURES = 2000;
const KILLS = 10;

interface Line {
  image: string;
  prompt?: string;
  error?: { code: string };
}

let work: string;
let pictures: string;
let set: PictureSet;
beforeAll(async () => {
  work = mkdtempSync(path.join(os.tmpdir(), 'killed-'));
  pictures = path.join(work, 'set');
  set = await makePictureSet(pictures, PICTURES);
}, 300_000);
afterAll(() => rmSync(work, { recursive: true, force: true }));

const command = (name: string, mode = 'fast'): string[] => [
  ...['interrogate', pictures, '--clip', 'sample', '--caption', 'sample', '--device', 'cpu', '--cache', path.join(work, 'cache')],
  ...['--mode', mode, '--out', path.join(work, name, `${mode}.jsonl`), '--progress', 'none'],
];
const read = (name: string, mode = 'fast'): string => readFileSync(path.join(work, name, `${mode}.jsonl`), 'utf8');
const sorted = (text: string): string => text.split('\n').sort().join('\n');

const ledgerFile = (name: string): string => path.join(work, name, '.torch-interrogator', LEDGER_FILE);

/** Until the file has so many more bytes than now, or the signal fires. */
async function growth(file: string, bytes: number, signal: AbortSignal): Promise<void> {
  const size = (): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  for (const end = size() + bytes; size() < end && !signal.aborted; ) await sleep(5);
}

function ledgerOf(name: string): PictureLine[] {
  const lines = readFileSync(ledgerFile(name)).toString('latin1').split('\n');
  return lines.flatMap((line) => openLine(Buffer.from(line, 'latin1')) ?? []).filter(isPicture);
}

/** Images that went through the tower, and were recorded. */
function featureRows(name: string): number {
  return Math.max(...ledgerOf(name).flatMap(({ features = {} }) => Object.values(features))) + 1;
}

test('killed ten times, it gives byte for byte what an uninterrupted run gives', async () => {
  const whole = await runCommand(command('whole'), { cwd: work });
  expect(whole.code).toBe(1);

  const random = new Random(17);
  let kills = 0;
  for (let round = 0; kills < KILLS && round < 3 * KILLS; round += 1) {
    const child = spawn(process.execPath, [MAIN, ...command('killed')], { cwd: work, stdio: 'ignore' });
    const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on('exit', (_, signal) => resolve(signal)));
    const over = new AbortController();
    // Mostly among the pictures, sometimes while it begins.
    const more = random.between(1, 90_000);
    const moment = random.chance(0.2) ? sleep(random.below(1500)) : growth(ledgerFile('killed'), more, over.signal);
    await Promise.race([moment, ended]);
    over.abort();
    child.kill('SIGKILL');
    if ((await ended) === 'SIGKILL') kills += 1;
  }
  expect(kills).toBe(KILLS);
  const last = await runCommand(command('killed'), { cwd: work });
  expect(last.code).toBe(1);
  expect(sorted(read('killed'))).toBe(sorted(read('whole')));

  const lines = jsonLines<Line>(read('killed'));
  expect(new Set(lines.map(({ image }) => image)).size).toBe(PICTURES);
  const failed = new Map(lines.flatMap(({ image, error }) => (error ? [[path.relative(pictures, image), error.code] as const] : [])));
  expect(failed).toEqual(set.broken);
  for (const { prompt, error } of lines) if (!error) expect(prompt).toMatch(/\S/);

  // What was in the ledger was not made again: each content came to its results once, whatever its names.
  const seen = new Map<string, number>();
  for (const { sha256, image } of ledgerOf('killed')) seen.set(`${sha256} ${image}`, (seen.get(`${sha256} ${image}`) ?? 0) + 1);
  expect([...seen.values()].filter((times) => times > 1)).toEqual([]);
  // Each content that was encoded has one row of features. What was in flight at a kill was never recorded, and was written over.
  const encoded = new Set(ledgerOf('killed').flatMap(({ sha256, features }) => (features ? [sha256] : [])));
  expect(encoded.size).toBeGreaterThan(PICTURES / 2);
  expect([featureRows('killed'), featureRows('whole')]).toEqual([encoded.size, encoded.size]);
}, 900_000);

test('another mode over the same pictures encodes none of them again', async () => {
  const before = featureRows('whole');
  const captions = ledgerOf('whole').length;
  const { code } = await runCommand(command('whole', 'classic'), { cwd: work });
  expect(code).toBe(1);
  expect(featureRows('whole')).toBe(before);
  expect(ledgerOf('whole').length).toBeGreaterThan(captions);
  expect(new Set(jsonLines<Line>(read('whole', 'classic')).map(({ image }) => image)).size).toBe(PICTURES);
}, 300_000);
