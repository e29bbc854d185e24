/** Text files beside pictures: nothing of another hand is lost, and nothing is added twice. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Mode } from '../../../lib/api';
import { type SidecarMarks, type SidecarOptions, Sidecars } from '../../../lib/run/outputs';
import { type Existing, joinedText } from '../../../lib/run/outputs/sidecar-text';
import { TEMPORARY_BASE, temporaryName } from '../../../lib/run/outputs/temporary';
import type { Picture } from '../../../lib/run/picture';
import type { Row } from '../../../lib/run/row';
import { Random } from '../../fuzz/support/random';

let work: string;
beforeEach(() => {
  work = mkdtempSync(path.join(os.tmpdir(), 'sidecars-'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const pictureOf = (below: string | Buffer): Picture => {
  const file = Buffer.concat([Buffer.from(`${work}/`), Buffer.from(below)]);
  return { name: file.toString(), file, root: Buffer.from(work), open: async () => file.toString() };
};
const rowOf = (texts: Partial<Record<Mode, string>>): Row => ({
  name: 'x',
  texts: Object.entries(texts).map(([mode, text]) => ({ mode: mode as Mode, text, original: text, similarity: 0 })),
});
const read = (name: string): string => readFileSync(path.join(work, name), 'utf8');
const forget = async (): Promise<void> => {};
const sidecarsOf = (options: SidecarOptions = {}, modes: Mode[] = ['fast']) => new Sidecars({ ...options, modes });

test.each<[SidecarOptions, Mode[], Record<string, string>]>([
  [{}, ['fast'], { 'a b.txt': 'one\n' }],
  [{ extension: '.caption' }, ['fast'], { 'a b.caption': 'one\n' }],
  [{ name: '{name}{ext}' }, ['fast'], { 'a b.png.txt': 'one\n' }],
  [{}, ['fast', 'negative'], { 'a b.txt': 'one\n', 'a b.negative.txt': 'two\n' }],
  [{ name: '{mode}-{stem}{ext}' }, ['fast', 'negative'], { 'fast-a b.txt': 'one\n', 'negative-a b.txt': 'two\n' }],
  [{ name: '{name}{ext}' }, ['fast', 'negative'], { 'a b.png.txt': 'one\n', 'a b.png.negative.txt': 'two\n' }],
  [{ name: '{stem}.words' }, ['fast', 'negative'], { 'a b.words': 'one\n', 'a b.negative.words': 'two\n' }],
  [{ lines: true }, ['fast', 'negative'], { 'a b.txt': 'one\ntwo\n' }],
])('names of %j', async (options, modes, expected) => {
  const texts: Partial<Record<Mode, string>> = modes.length > 1 ? { fast: 'one', negative: 'two' } : { fast: 'one' };
  await sidecarsOf(options, modes).write(pictureOf('a b.png'), rowOf(texts), {}, forget);
  expect(Object.fromEntries(readdirSync(work).map((name) => [name, read(name)]))).toEqual(expected);
});

test('a folder of their own has the subfolders of the pictures', async () => {
  const folder = path.join(work, 'texts');
  await sidecarsOf({ folder }).write(pictureOf('a/b/c.png'), rowOf({ fast: 'one' }), {}, forget);
  expect(read('texts/a/b/c.txt')).toBe('one\n');
});

test('names that are no UTF-8, and names with line ends', async () => {
  const name = Buffer.concat([Buffer.from('caf'), Buffer.from([0xe9]), Buffer.from('\n.png')]);
  await sidecarsOf().write(pictureOf(name), rowOf({ fast: 'one' }), {}, forget);
  const [found] = readdirSync(work, { encoding: 'buffer' });
  expect(found).toEqual(Buffer.concat([Buffer.from('caf'), Buffer.from([0xe9]), Buffer.from('\n.txt')]));
});

test('two pictures with one text file: the second is told how both can have one', () => {
  const sidecars = sidecarsOf();
  expect(sidecars.claim(pictureOf('a.jpg'))).toBeUndefined();
  expect(sidecars.claim(pictureOf('a.png'))).toMatchObject({ code: 'ERR_IO', hint: expect.stringContaining('{name}{ext}') });
  expect(sidecars.claim(pictureOf('below/a.png'))).toBeUndefined();
  expect(sidecars.claim({ name: 'http://x/a.png', open: async () => '' })).toMatchObject({ hint: expect.stringContaining('--out') });
});

test('two pictures of the same name in two folders, whose texts go to one: the second is told so, and what helps does', () => {
  const of = (root: string, below: string): Picture => ({ ...pictureOf(`${root}/${below}`), root: Buffer.from(`${work}/${root}`) });
  for (const below of ['x.png', 'a/b/x.png']) {
    const sidecars = sidecarsOf({ folder: path.join(work, 'texts') });
    expect(sidecars.claim(of('one', below))).toBeUndefined();
    expect(sidecars.claim(of('two', below))).toMatchObject({
      code: 'ERR_IO',
      problem: expect.stringMatching(/same name in another folder/),
      hint: expect.stringContaining('--sidecar-dir'),
    });
    // Another suffix is what is in the way of these.
    expect(sidecars.claim(of('two', below.replace('.png', '.jpg')))).toMatchObject({ hint: expect.stringContaining('{name}{ext}') });
    const common = sidecarsOf({ folder: path.join(work, 'texts') });
    for (const root of ['one', 'two']) expect(common.claim(pictureOf(`${root}/${below}`))).toBeUndefined();
  }
});

test('a picture that is named in two ways has one text', () => {
  const sidecars = sidecarsOf({ folder: path.join(work, 'texts') });
  for (const name of ['x.png', './x.png', 'a/../x.png']) {
    const { root: _, ...picture } = pictureOf(name);
    expect(sidecars.claim(picture)).toBeUndefined();
  }
});

test('a variable that stands for nothing is an error at once', () => {
  expect(() => sidecarsOf({ name: '{base}.txt' })).toThrow(/\{base\} stands for nothing/);
});

const EXISTING: Existing[] = ['skip', 'overwrite', 'append', 'prepend'];
const AFTER: Record<Existing, string> = { skip: 'old, words', overwrite: 'new\n', append: 'old, words, new\n', prepend: 'new, old, words' };

test.each(EXISTING)('%s: a text of another hand, then a second run, then other words', async (existing) => {
  writeFileSync(path.join(work, 'a.txt'), 'old, words');
  const picture = pictureOf('a.png');
  let marks: SidecarMarks | undefined;
  const write = async (text: string): Promise<void> => {
    const sidecars = sidecarsOf({ existing });
    if (await sidecars.skips(picture, marks)) return;
    await sidecars.write(picture, rowOf({ fast: text }), marks, async (made) => {
      marks = made;
    });
  };
  await write('new');
  expect(read('a.txt')).toBe(AFTER[existing]);
  await write('new');
  expect(read('a.txt')).toBe(AFTER[existing]);
  // What the first run has written is replaced, and no more.
  await write('newer, longer');
  expect(read('a.txt')).toBe(AFTER[existing].replace('new', 'newer, longer'));
});

test.each(EXISTING)('%s: the process ends between what is remembered and what is written, or right after', async (existing) => {
  const picture = pictureOf('a.png');
  if (existing !== 'skip') writeFileSync(path.join(work, 'a.txt'), 'old, words');
  let marks: SidecarMarks = {};
  const write = async (text: string, ends = false): Promise<void> => {
    const written = sidecarsOf({ existing }).write(picture, rowOf({ fast: text }), marks, async (made) => {
      marks = made;
      if (ends) throw new Error('killed');
    });
    await written.catch(() => {});
  };
  const expected = (text: string): string => (existing === 'skip' ? `${text}\n` : AFTER[existing].replace('new', text));
  await write('one', true);
  await write('one');
  expect(read('a.txt')).toBe(expected('one'));
  await write('two', true);
  expect(await sidecarsOf({ existing }).skips(picture, marks)).toBe(false);
  await write('two');
  expect(read('a.txt')).toBe(expected('two'));
  await write('three');
  expect(read('a.txt')).toBe(expected('three'));
});

test('a text that a person has changed since is theirs', async () => {
  const picture = pictureOf('a.png');
  let marks: SidecarMarks = {};
  await sidecarsOf().write(picture, rowOf({ fast: 'one' }), marks, async (made) => {
    marks = made;
  });
  expect(await sidecarsOf().skips(picture, marks)).toBe(false);
  writeFileSync(path.join(work, 'a.txt'), 'one, and more');
  expect(await sidecarsOf().skips(picture, marks)).toBe(true);
  await sidecarsOf().write(picture, rowOf({ fast: 'two' }), marks, forget);
  expect(read('a.txt')).toBe('one, and more');
});

test('what was there is in the new text, whatever it was, and a second time changes nothing', () => {
  const pieces = ['a', ', ', '\n', 'new', ' ', '', 'new\n', ', new\n', 'new, '];
  for (let round = 0; round < 2000; round += 1) {
    const random = new Random(9, round);
    const there = Array.from({ length: random.between(1, 4) }, () => random.pick(pieces)).join('');
    const existing = random.pick(['append', 'prepend'] as const);
    const once = joinedText('new', there, undefined, existing);
    const kept = there.trimEnd();
    expect(once?.content).toContain(kept);
    const again = joinedText('new', once?.content, once?.own, existing);
    expect([there, existing, again]).toEqual([there, existing, once]);
    // The mark was lost.
    expect([there, existing, joinedText('new', once?.content, undefined, existing)?.content]).toEqual([there, existing, once?.content]);
  }
});

test('a folder that is not there, or is a file, is an error with what to do; no file is left behind', async () => {
  await expect(sidecarsOf().write(pictureOf('gone/a.png'), rowOf({ fast: 'one' }), {}, forget)).rejects.toMatchObject({
    code: 'ERR_IO',
    hint: expect.stringMatching(/\S/),
  });
  mkdirSync(path.join(work, 'a.txt'));
  await expect(sidecarsOf().write(pictureOf('a.png'), rowOf({ fast: 'one' }), {}, forget)).rejects.toMatchObject({ code: 'ERR_IO' });
  expect(readdirSync(work)).toEqual(['a.txt']);
  expect(existsSync(path.join(work, 'gone'))).toBe(false);
});

test.each<[Existing, Existing]>([
  ['append', 'prepend'],
  ['prepend', 'append'],
  ['append', 'skip'],
])('%s, then %s with other words: what a person wrote is whole', async (first, second) => {
  writeFileSync(path.join(work, 'a.txt'), 'old, words of a person');
  const picture = pictureOf('a.png');
  let marks: SidecarMarks = {};
  for (const [existing, text] of [
    [first, 'one'],
    [second, 'another, longer text'],
    [second, 'x'],
  ] as const) {
    await sidecarsOf({ existing }).write(picture, rowOf({ fast: text }), marks, async (made) => {
      marks = made;
    });
    expect(read('a.txt')).toContain('old, words of a person');
    expect(
      read('a.txt')
        .split('old, words of a person')
        .join('')
        .replace(/^, |, $|\n/g, ''),
    ).toBe(text);
  }
});

test.each([Buffer.from([0x63, 0x61, 0x66, 0xe9, 0xa0]), Buffer.from('\ufeffd\u00e9j\u00e0', 'utf8')])(
  'bytes that are no UTF-8, and a mark of bytes, stay as they are',
  async (bytes) => {
    for (const existing of ['append', 'prepend'] as const) {
      writeFileSync(path.join(work, 'a.txt'), bytes);
      await sidecarsOf({ existing }).write(pictureOf('a.png'), rowOf({ fast: 'né' }), {}, forget);
      const there = readFileSync(path.join(work, 'a.txt'));
      expect(there.includes(bytes.subarray(bytes[0] === 0xef ? 3 : 0))).toBe(true);
      expect(there.includes(Buffer.from('né'))).toBe(true);
      if (bytes[0] === 0xef) expect(there.subarray(0, 3)).toEqual(bytes.subarray(0, 3));
    }
    writeFileSync(path.join(work, 'a.txt'), Buffer.from('\ufeffold', 'utf16le'));
    await expect(sidecarsOf({ existing: 'append' }).write(pictureOf('a.png'), rowOf({ fast: 'x' }), {}, forget)).rejects.toMatchObject({
      code: 'ERR_IO',
    });
  },
);

test.each([{ extension: '.jpg' }, { name: '{name}' }, { name: 'all{ext}' }, { name: 'a/{stem}{ext}' }])(
  '%j would take the place of a picture, or of others: told at once',
  (options) => {
    expect(() => sidecarsOf(options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }));
  },
);

test('a picture that is named twice has one text, an empty file counts for none, and a link stays a link', async () => {
  const sidecars = sidecarsOf();
  expect([sidecars.claim(pictureOf('a.png')), sidecars.claim(pictureOf('a.png'))]).toEqual([undefined, undefined]);
  writeFileSync(path.join(work, 'real.txt'), '');
  symlinkSync('real.txt', path.join(work, 'a.txt'));
  expect(await sidecars.skips(pictureOf('a.png'), undefined)).toBe(false);
  await sidecars.write(pictureOf('a.png'), rowOf({ fast: 'one' }), {}, forget);
  expect([read('real.txt'), lstatSync(path.join(work, 'a.txt')).isSymbolicLink()]).toEqual(['one\n', true]);
});

test('what killed processes have left beside pictures is removed, once a folder a run; other files stay', async () => {
  const left = (pid: number): string => temporaryName(TEMPORARY_BASE).replace(`-${process.pid}.`, `-${pid}.`);
  const [ofDead, again] = [left(2 ** 23), left(2 ** 23)];
  const ofAnotherMachine = ofDead.replace(/\.[0-9a-f]{8}-/, '.00000000-');
  const odd = Buffer.concat([Buffer.from(`${work}/.`), Buffer.from([0xe9]), Buffer.from('.tmp')]);
  for (const name of [ofDead, left(process.pid), '.0123456789ab.tmp', ofDead.replace('.torch', '.other'), ofAnotherMachine])
    writeFileSync(path.join(work, name), '');
  writeFileSync(odd, '');
  const sidecars = sidecarsOf();
  await sidecars.write(pictureOf('a.png'), rowOf({ fast: 'one' }), {}, forget);
  expect(existsSync(path.join(work, ofDead))).toBe(false);
  expect(readdirSync(work)).toHaveLength(6);
  writeFileSync(path.join(work, again), '');
  await sidecars.write(pictureOf('b.png'), rowOf({ fast: 'one' }), {}, forget);
  expect(existsSync(path.join(work, again))).toBe(true);
  await sidecarsOf().write(pictureOf('c.png'), rowOf({ fast: 'one' }), {}, forget);
  expect(existsSync(path.join(work, again))).toBe(false);
});

test('a process that is killed while it writes leaves a name that the next one knows', async () => {
  const names: string[] = [];
  const watcher = watch(work, (_, name) => names.push(String(name)));
  try {
    await sidecarsOf().write(pictureOf('a.png'), rowOf({ fast: 'one' }), {}, forget);
    while (!names.includes('a.txt')) await new Promise((resolve) => setTimeout(resolve, 5));
  } finally {
    watcher.close();
  }
  expect(names.find((name) => name !== 'a.txt')).toMatch(
    new RegExp(`^\\.torch-interrogator\\.[0-9a-f]{8}-${process.pid}\\.[0-9a-f]{12}\\.tmp$`),
  );
});
