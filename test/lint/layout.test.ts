/** The lint of the layout, run on a tree with every import between rooms that there can be, and on trees with circles. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const SCRIPT = path.join(__dirname, '..', '..', 'scripts', 'lint', 'layout.mjs');

const layout = (): Promise<{ ARROWS: Record<string, string[]> }> => import(SCRIPT);

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'layout-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(file: string, ...imports: string[]): void {
  const whole = path.join(root, file);
  mkdirSync(path.dirname(whole), { recursive: true });
  const lines = imports.map((target, i) => {
    const from = path.relative(path.dirname(file), target.replace(/\.ts$/, ''));
    return `import ${i % 2 === 1 ? 'type ' : ''}{ a as a${i} } from '${from.startsWith('.') ? from : `./${from}`}';\nexport type B${i} = typeof a${i};`;
  });
  writeFileSync(whole, `${lines.join('\n')}\nexport const a = 1;\n`);
}

/** What the lint has against the tree, found in a process of its own: it cannot cruise inside of jest. */
async function lint(): Promise<string[]> {
  const code = `import(${JSON.stringify(SCRIPT)}).then(async (lint) => console.log(JSON.stringify(await lint.layoutFaults(${JSON.stringify(root)}))))`;
  return JSON.parse((await promisify(execFile)(process.execPath, ['-e', code])).stdout);
}

test('every import that the table does not allow is found, and no other', async () => {
  const { ARROWS } = await layout();
  const rooms = Object.keys(ARROWS);
  const fileOf = (room: string, name: string): string => (isFolder(room) ? `lib/${room}/${name}.ts` : `lib/${room}.ts`);
  const isFolder = (room: string): boolean => !['index', 'config', 'abort', 'errors'].includes(room);
  // What a room offers imports nothing, so that no circle hides an arrow; a room that is one file cannot be kept apart so.
  for (const room of rooms.filter(isFolder)) write(fileOf(room, 'offered'));
  const expected: string[] = [];
  for (const room of rooms) {
    const targets = rooms.filter((other) => other !== room && isFolder(other));
    write(fileOf(room, 'user'), ...targets.map((other) => fileOf(other, 'offered')));
    for (const other of targets) {
      if (!ARROWS[room]?.includes(other)) expected.push(`${room} may not know it: ${fileOf(room, 'user')} → ${fileOf(other, 'offered')}`);
    }
  }
  // The set-up is open to two files of cli alone, of which this is none.
  for (const room of ['setup', 'setup/libtorch']) {
    expected.push(`of the commands only these may know it: ${fileOf('cli', 'user')} → ${fileOf(room, 'offered')}`);
  }
  expect((await lint()).sort()).toEqual(expected.sort());
});

test.each([2, 3, 5])('a circle of %i files is found', async (length) => {
  for (let i = 0; i < length; i += 1) write(`lib/image/file${i}.ts`, `lib/image/file${(i + 1) % length}.ts`);
  const faults = await lint();
  expect(faults.length).toBeGreaterThan(0);
  expect(faults.every((line) => line.startsWith('circle: lib/image/file'))).toBe(true);
});

test('a room that the table does not know is none', async () => {
  write('lib/errors.ts');
  write('lib/painter/brush.ts', 'lib/errors.ts');
  write('lib/utilities.ts', 'lib/errors.ts');
  write('lib/constants.ts');
  const strangers = ['lib/constants.ts', 'lib/painter/brush.ts', 'lib/utilities.ts'];
  const expected = strangers.map((file) => `no room that the table knows: ${file}`);
  expect((await lint()).sort()).toEqual(expected);
});

test('of the commands only two may know the set-up, and nothing may know what is outside of lib', async () => {
  write('lib/setup/doctor.ts');
  write('test/support/helper.ts');
  write('lib/cli/commands/doctor.ts', 'lib/setup/doctor.ts');
  write('lib/cli/inputs.ts', 'lib/setup/doctor.ts');
  write('lib/image/index.ts', 'test/support/helper.ts');
  expect((await lint()).sort()).toEqual([
    'lib stands for itself: lib/image/index.ts → test/support/helper.ts',
    'of the commands only these may know it: lib/cli/inputs.ts → lib/setup/doctor.ts',
  ]);
});

test('the page takes types of the server alone', async () => {
  write('lib/server/contract/rank.ts');
  write('lib/web/api/rank.ts', 'lib/server/contract/rank.ts');
  // Of two imports the second is of types.
  write('lib/web/parts/bar.ts');
  write('lib/web/tabs/tab.ts', 'lib/web/parts/bar.ts', 'lib/server/contract/rank.ts');
  expect((await lint()).filter((line) => !line.startsWith('no room'))).toEqual([
    'the page takes types of it alone: lib/web/api/rank.ts → lib/server/contract/rank.ts',
  ]);
});

test('the table itself has no circle: a room never may import what may import it', async () => {
  const { ARROWS } = await layout();
  const seen = new Set<string>();
  const reaches = (from: string, to: string): boolean =>
    (ARROWS[from] ?? []).some((next) => {
      if (next === to) return true;
      if (seen.has(`${to} ${next}`)) return false;
      seen.add(`${to} ${next}`);
      return reaches(next, to);
    });
  for (const room of Object.keys(ARROWS)) expect([room, reaches(room, room)]).toEqual([room, false]);
});
