/** The pictures of tar shards, of tars that two programs made, whole and in pieces. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { countPictures, picturesOf } from '../../../lib/run/inputs';
import { never, numbers, readAll } from './reading';

let work: string;

beforeEach(() => {
  work = mkdtempSync(path.join(tmpdir(), 'shards-'));
});

afterEach(() => rmSync(work, { recursive: true, force: true }));

interface Member {
  name: string;
  bytes: Buffer;
}

async function tarOf(members: readonly Member[]): Promise<Buffer> {
  const tar = pack();
  for (const { name, bytes } of members) tar.entry({ name }, bytes);
  tar.finalize();
  return buffer(tar);
}

/** Names as WebDataset has them, and others that are left out. Contents end with something else than zeros. */
function randomMembers(seed: number, count: number): Member[] {
  const pick = numbers(seed);
  return Array.from({ length: count }, (_, i) => {
    const folder = ['', 'a/', 'b/c/', '.hidden/', './d/'][pick(5)];
    const name = [`${i}.jpg`, `${i}.PNG`, `${i}.txt`, `._${i}.jpg`, `${i}.json`, `${'long'.repeat(60)}${i}.webp`, `é${i}.gif`][pick(7)];
    return { name: `${folder}${name}`, bytes: Buffer.alloc(1 + pick(3000), `content ${i} `) };
  });
}

function isTaken(name: string): boolean {
  return /\.(jpg|png|webp|gif)$/i.test(name) && !/(^|\/)\.[^/]/.test(name.replace(/^\.\//, ''));
}

function expected(shard: string, members: readonly Member[]): [string, string][] {
  const taken = members.filter(({ name }) => isTaken(name));
  return taken.map(({ name, bytes }) => [`${shard}/${name.replace(/^\.\//, '')}`, bytes.toString()]);
}

describe.each(['tar', 'tar.gz', 'tgz'])('in a .%s', (suffix) => {
  test.each([1, 2, 3])('of random members (%i), the pictures in their order with their bytes', async (seed) => {
    const members = [...randomMembers(seed, 40), { name: 'last.jpg', bytes: Buffer.from('the last') }];
    const tar = await tarOf(members);
    const shard = path.join(work, `shard.${suffix}`);
    writeFileSync(shard, suffix === 'tar' ? tar : gzipSync(tar));
    expect(await readAll(picturesOf([shard]))).toEqual(expected(shard, members));
    expect(await countPictures([shard])).toBeNull();
    for await (const { bytes, open } of picturesOf([shard])) expect(bytes).toBe((await open(never)).length);
  });
});

test.each(['gnu', 'pax', 'ustar', 'v7'])("the system's tar in its format %s is read", async (format) => {
  mkdirSync(path.join(work, 'set', 'sub'), { recursive: true });
  const files = ['1.jpg', 'sub/2.png', 'sub/line\nbreak.gif', '3.txt', '.hidden.jpg'];
  for (const file of files) writeFileSync(path.join(work, 'set', file), `content of ${file}`);
  const name = Buffer.concat([Buffer.from(path.join(work, 'set/')), Buffer.from([0xff]), Buffer.from('.jpg')]);
  writeFileSync(name, 'no UTF-8');
  const shard = path.join(work, 'x.tar');
  execFileSync('tar', ['--format', format, '--sort=name', '-cf', shard, '-C', path.join(work, 'set'), '.']);
  const found = new Map(await readAll(picturesOf([shard])));
  // The format pax says that names are UTF-8, and tar writes what it has.
  const odd = [...found.keys()].find((key) => found.get(key) === 'no UTF-8');
  expect(odd).toBeDefined();
  if (format !== 'pax') expect(odd).toBe(`${shard}/\\xff.jpg`);
  found.delete(odd as string);
  expect([...found]).toEqual(
    ['1.jpg', 'sub/2.png', 'sub/line\nbreak.gif']
      .sort()
      .map((file) => [`${shard}/${file}`, `content of ${file}`])
      .sort(),
  );
});

test.each([1, 2, 3, 4, 5, 6])('a tar that was cut anywhere (%i): the pictures before, then one that says where', async (seed) => {
  const pick = numbers(seed * 31);
  const members = randomMembers(seed, 12).concat({ name: 'z.jpg', bytes: Buffer.from('the last') });
  const tar = await tarOf(members);
  const all = expected('', members);
  for (let i = 0; i < 12; i++) {
    // At the end of a block, too. The mark of the end has two.
    const cut = pick(3) === 0 ? 512 * pick((tar.length - 512) / 512) : pick(tar.length - 1024);
    for (const suffix of ['tar', 'tgz']) {
      const shard = path.join(work, `${cut}.${suffix}`);
      const bytes = tar.subarray(0, cut);
      writeFileSync(shard, suffix === 'tar' ? bytes : gzipSync(bytes));
      const found = await readAll(picturesOf([shard]));
      const last = found.pop();
      expect(found).toEqual(all.slice(0, found.length).map(([name, content]) => [shard + name, content]));
      expect(last?.[0]).toBe(shard);
      expect(last?.[1]).toMatch(/^ERR_IMAGE_TRUNCATED: The shard .* breaks off/);
    }
  }
});

test('a compressed tar that was cut is no less', async () => {
  const members = randomMembers(9, 30).concat({ name: 'z.jpg', bytes: Buffer.from('the last') });
  const whole = gzipSync(await tarOf(members));
  const pick = numbers(5);
  for (let i = 0; i < 20; i++) {
    const shard = path.join(work, `${i}.tar.gz`);
    writeFileSync(shard, whole.subarray(0, 10 + pick(whole.length - 20)));
    const found = await readAll(picturesOf([shard]));
    expect(found.pop()?.[1]).toMatch(/^ERR_IMAGE_TRUNCATED/);
    expect(found.every(([name], k) => name === `${shard}${expected('', members)[k]?.[0]}`)).toBe(true);
  }
});

test('a tar with a damaged header: what is before it, and what is wrong', async () => {
  const members = ['1.jpg', '2.jpg', '3.jpg'].map((name) => ({ name, bytes: Buffer.from(`content of ${name}`) }));
  const tar = await tarOf(members);
  tar[2 * 1024 + 3] = 0x40;
  const shard = path.join(work, 'x.tar');
  writeFileSync(shard, tar);
  const found = await readAll(picturesOf([shard]));
  expect(found.slice(0, 2)).toEqual(expected(shard, members.slice(0, 2)));
  expect(found.slice(2)).toEqual([[shard, expect.stringMatching(/^ERR_IO: The shard .* is damaged at or behind its member 2, 2.jpg/)]]);
});

test('what is no tar, what is empty and what is not there says so', async () => {
  writeFileSync(path.join(work, 'text.tar'), 'no tar '.repeat(1000));
  writeFileSync(path.join(work, 'empty.tar'), '');
  writeFileSync(path.join(work, 'texts.tar'), await tarOf([{ name: 'a.txt', bytes: Buffer.from('a') }]));
  const found = await readAll(picturesOf(['text', 'empty', 'texts', 'missing'].map((name) => path.join(work, `${name}.tar`))));
  expect(found.map(([name, said]) => [path.basename(name), said.split(':')[0]])).toEqual([
    ['text.tar', 'ERR_IO'],
    ['empty.tar', 'ERR_IMAGE_TRUNCATED'],
    ['texts.tar', 'ERR_IMAGE_NOT_FOUND'],
    ['missing.tar', 'ERR_IMAGE_NOT_FOUND'],
  ]);
  expect(found[0]?.[1]).toMatch(/text\.tar is no tar/);
});

test('braces and globs that the shell left are shards in natural order', async () => {
  for (const number of ['000', '001', '002', '010']) {
    writeFileSync(path.join(work, `s-${number}.tar`), await tarOf([{ name: 'x.jpg', bytes: Buffer.from(number) }]));
  }
  for (const number of [1, 2, 10])
    writeFileSync(path.join(work, `t${number}.tgz`), gzipSync(await tarOf([{ name: 'x.jpg', bytes: Buffer.from(`${number}`) }])));
  writeFileSync(path.join(work, '.t3.tgz'), '');
  const contentsOf = async (pattern: string): Promise<string[]> =>
    (await readAll(picturesOf([path.join(work, pattern)]))).map(([, content]) => content);
  expect(await contentsOf('s-{000..002}.tar')).toEqual(['000', '001', '002']);
  expect(await contentsOf('s-{010,001}.tar')).toEqual(['010', '001']);
  expect(await contentsOf('s-*.tar')).toEqual(['000', '001', '002', '010']);
  expect(await contentsOf('t*.tgz')).toEqual(['1', '2', '10']);
  expect(await contentsOf('{s-00*,t?}.{tar,tgz}')).toEqual(expect.arrayContaining(['000', '001', '002', '1', '2']));
  expect(await contentsOf('s-{002..003}.tar')).toEqual(['002', expect.stringMatching(/^ERR_IMAGE_NOT_FOUND: There is no shard/)]);
  expect(await contentsOf('u*.tar')).toEqual([expect.stringMatching(/^ERR_IMAGE_NOT_FOUND: There is no file that fits/)]);
  // A file whose name looks like a glob is that file.
  writeFileSync(path.join(work, 's-[0].tar'), await tarOf([{ name: 'x.jpg', bytes: Buffer.from('itself') }]));
  expect(await contentsOf('s-[0].tar')).toEqual(['itself']);
});

test('stamps are of the shard and the member, and change with the shard', async () => {
  const shard = path.join(work, 'x.tar');
  const members = randomMembers(3, 30);
  writeFileSync(shard, await tarOf(members));
  const stampsOf = async (): Promise<(string | undefined)[]> => {
    const stamps: (string | undefined)[] = [];
    for await (const picture of picturesOf([shard])) stamps.push(await picture.stamp?.());
    return stamps;
  };
  const stamps = await stampsOf();
  expect(new Set(stamps).size).toBe(stamps.length);
  expect(await stampsOf()).toEqual(stamps);
  writeFileSync(shard, await tarOf(members.concat({ name: 'new.jpg', bytes: Buffer.from('new') })));
  expect((await stampsOf()).filter((stamp) => stamps.includes(stamp))).toEqual([]);
});

test('whoever stops in the middle leaves no file open', async () => {
  const shard = path.join(work, 'x.tar');
  writeFileSync(shard, await tarOf(Array.from({ length: 200 }, (_, i) => ({ name: `${i}.jpg`, bytes: Buffer.alloc(20_000, 'x') }))));
  const isOpen = (): boolean =>
    readdirSync('/proc/self/fd').some((fd) => {
      try {
        return execFileSync('readlink', [`/proc/${process.pid}/fd/${fd}`], { encoding: 'utf8' }).trim() === shard;
      } catch {
        return false;
      }
    });
  for await (const { open } of picturesOf([shard])) {
    expect((await open(never)).length).toBe(20_000);
    expect(isOpen()).toBe(true);
    break;
  }
  while (isOpen()) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(readFileSync(shard).length).toBeGreaterThan(0);
});

test('a member of more than 2 GiB is refused without being read', async () => {
  const shard = path.join(work, 'x.tar');
  const tar = pack();
  tar.entry({ name: 'large.jpg', size: 2 ** 31 }).on('error', () => {});
  const { value: header } = await tar[Symbol.asyncIterator]().next();
  writeFileSync(
    shard,
    Buffer.concat([await tarOf([{ name: 'x.jpg', bytes: Buffer.from('x') }]).then((all) => all.subarray(0, 1024)), header]),
  );
  expect(await readAll(picturesOf([shard]))).toEqual([
    [`${shard}/x.jpg`, 'x'],
    [`${shard}/large.jpg`, expect.stringMatching(/^ERR_IMAGE_SIZE/)],
    [shard, expect.stringMatching(/^ERR_IMAGE_TRUNCATED/)],
  ]);
});

test('a shard may come through a pipe', async () => {
  const members = randomMembers(4, 100);
  writeFileSync(path.join(work, 'whole'), await tarOf(members));
  const shard = path.join(work, 'x.tar');
  execFileSync('mkfifo', [shard]);
  const writer = spawn('sh', ['-c', 'cat "$0" > "$1"', path.join(work, 'whole'), shard]);
  try {
    expect(await readAll(picturesOf([shard]))).toEqual(expected(shard, members));
  } finally {
    writer.kill();
  }
});
