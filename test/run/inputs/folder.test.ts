/** What a run finds in folders. They are made up at random: depth, names, links and what lies beside images. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import picomatch from 'picomatch';
import { IMAGE_SUFFIXES } from '../../../lib/api';
import { countPictures, type PictureOptions, picturesOf } from '../../../lib/run/inputs';
import { failure, namesOf, never, numbers, readAll } from './reading';

let work: string;

beforeEach(() => {
  work = mkdtempSync(path.join(tmpdir(), 'folders-'));
});

afterEach(() => rmSync(work, { recursive: true, force: true }));

async function below(folder: string, options: PictureOptions = {}): Promise<string[]> {
  const names = await namesOf(picturesOf([folder], options));
  expect(await countPictures([folder], options)).toBe(names.length);
  return names.map((name) => path.relative(folder, name));
}

const SUFFIXES = [...IMAGE_SUFFIXES];

/** Names in which numbers, letters and signs follow each other as they like. */
function randomName(pick: (below: number) => number): string {
  const parts = ['img', '2', '10', '007', '7', '-', '_', 'B', 'é', ' ', 'x'];
  return (
    Array.from({ length: 1 + pick(4) }, () => parts[pick(parts.length)])
      .join('')
      .trim() || 'x'
  );
}

/** Folders and images of them, and what is no image: captions, hidden files and folders. */
function makeTree(seed: number): void {
  const pick = numbers(seed);
  const folders = [work];
  for (let i = 0; i < 14; i++) {
    const folder = path.join(folders[pick(folders.length)] as string, randomName(pick));
    mkdirSync(folder, { recursive: true });
    folders.push(folder);
    for (let k = pick(5); k >= 0; k--) {
      const suffix = SUFFIXES[pick(SUFFIXES.length)] as string;
      const name = randomName(pick);
      writeFileSync(path.join(folder, `${name}${pick(2) ? suffix : suffix.toUpperCase()}`), '');
      writeFileSync(path.join(folder, `._${name}.png`), 'not an image');
      writeFileSync(path.join(folder, `${name}.txt`), 'a caption');
    }
  }
  mkdirSync(path.join(work, '.torch-interrogator'));
  writeFileSync(path.join(work, '.torch-interrogator', 'x.png'), '');
}

/** Plainly: each part of a name is a number or a text; numbers come at the place of digits. */
function compareNames(a: string, b: string): number {
  const parts = (name: string): (string | bigint)[] =>
    [...name.matchAll(/\d+|\D/gu)].map(([part]) => (/\d/.test(part) ? BigInt(part) : part));
  const [left, right] = [parts(a), parts(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [one, other] = [left[i] as string | bigint, right[i] as string | bigint];
    if (typeof one === 'bigint' && typeof other === 'bigint') {
      if (one !== other) return one < other ? -1 : 1;
      continue;
    }
    const order = Buffer.compare(Buffer.from(typeof one === 'bigint' ? '0' : one), Buffer.from(typeof other === 'bigint' ? '0' : other));
    if (order !== 0) return order;
  }
  return left.length - right.length || Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** A plain reference: all of a folder, then what it holds. */
function reference(folder: string, { include = [], exclude = [], recursive = true }: PictureOptions, prefix = ''): string[] {
  const fits = (globs: readonly string[], file: string): boolean =>
    globs.some((glob) => picomatch.isMatch(glob.includes('/') ? file : path.basename(file), glob));
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .sort(compareNames)
    .flatMap((name) => {
      const file = prefix + name;
      if (fits(exclude, file)) return [];
      if (statSync(path.join(folder, name)).isDirectory()) {
        return recursive ? reference(path.join(folder, name), { include, exclude }, `${file}/`) : [];
      }
      return IMAGE_SUFFIXES.has(path.extname(name).toLowerCase()) && (include.length === 0 || fits(include, file)) ? [file] : [];
    });
}

const GLOBS: [string, PictureOptions][] = [
  ['all', {}],
  ['not in subfolders', { recursive: false }],
  ['of names', { include: ['*.png', '*10*'] }],
  ['without names', { exclude: ['*2*', 'B*'] }],
  ['of paths', { include: ['*/*'] }],
  ['of paths at any depth', { include: ['**/*img*/**', '**/*.{jpg,JPG}'] }],
  ['both', { include: ['*x*', '*/*/*'], exclude: ['*/*7*', 'img*'] }],
];

describe.each([1, 2, 3, 4, 5, 6])('of tree %i, in natural order', (seed) => {
  test.each(GLOBS)('%s', async (_, options) => {
    makeTree(seed);
    const wanted = reference(work, options);
    if (wanted.length > 0) expect(await below(work, options)).toEqual(wanted);
    else expect(await failure(picturesOf([work], options))).toMatchObject({ code: 'ERR_IMAGE_NOT_FOUND' });
  });
});

test('numbers by value, ties by bytes, subfolders at the place of their names', async () => {
  mkdirSync(path.join(work, 'img3'));
  for (const name of ['img10.jpg', 'img2.jpg', 'img02.jpg', 'img3/b.jpg', 'img3/a.jpg', 'img3.jpg', 'img4.jpg', 'imgA.jpg', 'img.jpg']) {
    writeFileSync(path.join(work, name), '');
  }
  expect(await below(work)).toEqual([
    ...['img.jpg', 'img02.jpg', 'img2.jpg', 'img3/a.jpg', 'img3/b.jpg', 'img3.jpg', 'img4.jpg', 'img10.jpg', 'imgA.jpg'],
  ]);
});

test('a folder that is left out is not looked into', async () => {
  mkdirSync(path.join(work, 'drafts'));
  mkdirSync(path.join(work, 'a', 'drafts'), { recursive: true });
  for (const name of ['drafts/1.jpg', 'a/drafts/2.jpg', 'a/3.jpg', 'drafts.jpg']) writeFileSync(path.join(work, name), '');
  chmodSync(path.join(work, 'drafts'), 0);
  expect(await below(work, { exclude: ['drafts'] })).toEqual(['a/3.jpg', 'drafts.jpg']);
  expect(await below(work, { exclude: ['drafts*/'] })).toEqual(['a/3.jpg', 'drafts.jpg']);
  expect(await below(work, { exclude: ['/drafts', 'a/**'] })).toEqual(['drafts.jpg']);
  expect(await below(work, { exclude: ['./drafts/', '3.jpg'] })).toEqual(['a/drafts/2.jpg', 'drafts.jpg']);
});

test.each([1, 2, 3, 4, 5])('of tree %i: every image once, however links lead about', async (seed) => {
  const pick = numbers(seed);
  const folders = [work];
  const images: string[] = [];
  for (let i = 0; i < 12; i++) {
    const folder = path.join(folders[pick(folders.length)] as string, `${'pqrs'[pick(4)]}${i}`);
    mkdirSync(folder);
    folders.push(folder);
    for (let k = pick(3); k >= 0; k--) {
      images.push(path.join(folder, `${k}.png`));
      writeFileSync(images.at(-1) as string, '');
    }
  }
  // Links upward, sideways, in a circle, to themselves and to nothing.
  for (let i = 0; i < 8; i++)
    symlinkSync(folders[pick(folders.length)] as string, path.join(folders[pick(folders.length)] as string, `z${i}`));
  symlinkSync('itself', path.join(work, 'itself'));
  symlinkSync('nowhere', path.join(work, 'nowhere'));
  const found: string[] = [];
  for await (const { name, open, file, root } of picturesOf([work])) {
    expect(await open(never)).toBe(name);
    expect([file?.toString(), root?.toString()]).toEqual([name, work]);
    found.push(execFileSync('realpath', [name], { encoding: 'utf8' }).trim());
  }
  expect(found.sort()).toEqual(images.sort());
  expect(await countPictures([work])).toBe(images.length);
});

test('a folder that is reached by a link alone is entered; a link to a file is a picture', async () => {
  mkdirSync(path.join(work, 'elsewhere'));
  writeFileSync(path.join(work, 'elsewhere', 'x.png'), 'x');
  mkdirSync(path.join(work, 'given'));
  symlinkSync('../elsewhere', path.join(work, 'given', 'link'));
  symlinkSync('../elsewhere/x.png', path.join(work, 'given', 'y.png'));
  symlinkSync('given', path.join(work, 'to-given'));
  for (const folder of ['given', 'to-given']) {
    const found = await readAll(picturesOf([path.join(work, folder)]));
    expect(found).toEqual(['link/x.png', 'y.png'].map((name) => [path.join(work, folder, name), 'x']));
  }
});

test.each([1, 2, 3])('names that are no UTF-8 (%i) are found, named without loss and opened', async (seed) => {
  const pick = numbers(seed * 77);
  const folder = Buffer.concat([Buffer.from(`${work}/`), Buffer.from([0xff])]);
  mkdirSync(folder);
  const expected: [string, string][] = [];
  for (let i = 0; i < 6; i++) {
    const byte = 0x80 + pick(128);
    writeFileSync(Buffer.concat([folder, Buffer.from(`/${i}`), Buffer.from([0xff, byte]), Buffer.from('.png')]), `content ${i}`);
    expected.push([`${work}/\\xff/${i}\\xff\\x${byte.toString(16)}.png`, `content ${i}`]);
  }
  expect(await readAll(picturesOf([work]))).toEqual(expected);
  expect(await readAll(picturesOf([{ path: folder }]))).toEqual(expected);
  expect(await readAll(picturesOf([work], { exclude: ['0*', '*/1*'] }))).toEqual(expected.slice(2));
  const missing = Buffer.concat([folder, Buffer.from('/missing')]);
  expect(await failure(picturesOf([{ path: missing }]))).toMatchObject({ code: 'ERR_IMAGE_NOT_FOUND' });
});

test('names with line ends, quotes and what looks like a URL', async () => {
  const names = ['a\nb.png', 'c"d.png', "e'f.png", 'data:g.png', 'h\\i.png', '\u2028.png'];
  for (const name of names) writeFileSync(path.join(work, name), name);
  expect((await readAll(picturesOf([work]))).map(([name, content]) => [path.relative(work, name), content]).sort()).toEqual(
    names.map((name) => [name, name]).sort(),
  );
});

test('an argument that is hidden is taken, slashes at its end are not', async () => {
  mkdirSync(path.join(work, '.cache', '.deeper'), { recursive: true });
  for (const name of ['.x.png', '.cache/y.png', '.cache/.z.png', '.cache/.deeper/w.png']) writeFileSync(path.join(work, name), '');
  const given = ['.x.png', '.cache//'].map((name) => `${work}/${name}`);
  expect(await namesOf(picturesOf(given))).toEqual(['.x.png', '.cache/y.png'].map((name) => path.join(work, name)));
});

test('each without images is one picture that fails, beside others that have some', async () => {
  for (const name of ['full', 'empty', 'notes']) mkdirSync(path.join(work, name));
  writeFileSync(path.join(work, 'full', 'x.png'), 'x');
  writeFileSync(path.join(work, 'notes', 'x.txt'), '');
  const found = await readAll(picturesOf(['full', 'empty', 'notes'].map((name) => path.join(work, name))));
  expect(found.map(([name, content]) => [path.basename(name), content.split('\n')[0]])).toEqual([
    ['x.png', 'x'],
    ['empty', `ERR_IMAGE_NOT_FOUND: There are no images in ${work}/empty.`],
    ['notes', `ERR_IMAGE_NOT_FOUND: There are no images in ${work}/notes.`],
  ]);
  const [[, said]] = (await readAll(picturesOf([path.join(work, 'full')], { include: ['*.jpg'] }))) as [[string, string]];
  expect(said).toMatch(/There are no images in .* that the globs to include and to exclude let through/);
});

test('a folder that vanishes on the way fails, and the others go on', async () => {
  for (const name of ['a', 'b', 'c']) {
    mkdirSync(path.join(work, name));
    writeFileSync(path.join(work, name, '1.png'), name);
  }
  const pictures = picturesOf([work]);
  const first = await pictures.next();
  expect(first.value?.name).toBe(path.join(work, 'a', '1.png'));
  rmSync(path.join(work, 'b'), { recursive: true });
  const found = await readAll(pictures);
  expect(found).toEqual([
    [path.join(work, 'b'), expect.stringMatching(/^ERR_IO: The folder .*b cannot be read: ENOENT: no such file or directory\.$/)],
    [path.join(work, 'c', '1.png'), 'c'],
  ]);
});

test('a file that vanishes, and one whose content changes', async () => {
  const file = path.join(work, 'a.png');
  writeFileSync(file, 'one');
  const [picture] = [(await picturesOf([work]).next()).value];
  const stamp = await picture?.stamp?.();
  expect(await picture?.stamp?.()).toBe(stamp);
  writeFileSync(file, 'two');
  utimesSync(file, 1, 1);
  expect(await picture?.stamp?.()).not.toBe(stamp);
  rmSync(file);
  await expect(picture?.stamp?.()).rejects.toMatchObject({ code: 'ERR_IMAGE_NOT_FOUND' });
  await expect(picture?.open(never)).rejects.toMatchObject({ code: 'ERR_IMAGE_NOT_FOUND' });
});

test('10,000 files in one folder leave the event loop its turns', async () => {
  for (let i = 0; i < 10_000; i++) writeFileSync(path.join(work, `${i * 7919}.png`), '');
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  const names = await below(work);
  clearInterval(timer);
  expect(names).toEqual(Array.from({ length: 10_000 }, (_, i) => `${i * 7919}.png`));
  expect(turns).toBeGreaterThan(10);
});

test.each([[['']], [[7 as unknown as string]], [['/']]])('%j is no glob', async (globs) => {
  await expect(namesOf(picturesOf([work], { include: globs }))).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  await expect(countPictures([work], { exclude: globs })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
});
