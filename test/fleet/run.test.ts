/** Runs of a fleet from their submission to their outputs: what real workers make is what one machine writes. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { pack } from 'tar-stream';
import { jsonLines } from '../cli/command';
import { encoded, makePictureSet } from '../run/support/picture-set';
import { FleetSession } from './support/session';

let session: FleetSession;
let server: Server;
let address: string;
beforeAll(async () => {
  session = await FleetSession.start();
  await makePictureSet(place('set'), 150);
  await writeShard(place('shard-0.tar'), 9);
  const byUrl = await encoded(77, 'png');
  server = createServer((_, response) => response.setHeader('content-type', 'image/png').end(byUrl)).listen(0, '127.0.0.1');
  address = await new Promise((resolve) =>
    server.once('listening', () => resolve(`http://127.0.0.1:${(server.address() as { port: number }).port}/a.png`)),
  );
  // The label caches are made once.
  await session.local(place('set', 'picture 0.jpg'), '--mode', 'fast');
  session.startWorker();
  session.startWorker();
}, 120_000);
afterAll(async () => {
  server.close();
  await session.end();
});

const place = (...parts: string[]): string => path.join(session.folder, ...parts);
const read = (...parts: string[]): string => readFileSync(place(...parts), 'utf8');

async function writeShard(file: string, count: number): Promise<void> {
  const archive = pack();
  for (let i = 0; i < count; i += 1) archive.entry({ name: `${i}.png` }, await encoded(500 + i, 'png'));
  archive.entry({ name: 'broken.png' }, 'no picture');
  archive.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of archive) pieces.push(piece as Buffer);
  writeFileSync(file, Buffer.concat(pieces));
}

const outs = (folder: string, names: readonly string[]): string[] => names.flatMap((name) => ['--out', `${folder}/${name}`]);

test('several modes and rules for words, over a folder with broken pictures and copies', async () => {
  const names = ['a.jsonl', 'a.csv', 'a.json', 'a.txt'];
  const texts = ['--mode', 'fast,classic', '--trigger', 'sks', '--max-tokens', '40', '--replace', '/a (\\w+)/=one $1', '--exclude', 'cats'];
  const local = await session.local('set', ...texts, ...outs('local', names));
  const id = await session.submit('set', ...texts, '--shard-size', '20', ...outs('fleet', names));
  const view = await session.watch(id);
  expect([local.code, view.code]).toEqual([1, 1]);
  for (const name of names) expect(read('fleet', name)).toBe(read('local', name));
  const failed = jsonLines<{ error?: object }>(read('fleet/a.jsonl')).filter(({ error }) => error).length;
  expect(failed).toBeGreaterThan(2);
  expect(view).toMatchObject({ state: 'ended', total: 150, failed, done: 150 - failed - view.kept, secondsLeft: 0 });
  expect(view.summary?.failures.reduce((sum, { count }) => sum + count, 0)).toBe(failed);
  expect(view.shards).toMatchObject({ total: 8, left: 0, active: 0, waiting: 0 });
});

test('tar shards, URLs, lists, names that are no UTF-8, what is not there, and a WebDataset', async () => {
  mkdirSync(place('odd'));
  writeFileSync(Buffer.concat([Buffer.from(place('odd/')), Buffer.from('caf\xe9 {1,2}.png', 'latin1')]), await encoded(31, 'png'));
  writeFileSync(place('list.txt'), `set/picture 0.jpg\nshard-0.tar\n${address}\nset/none.png\n`);
  const inputs = ['odd', 'shard-0.tar', address, 'missing.png', '--from', 'list.txt', '--mode', 'fast'];
  const names = ['b.jsonl', 'b.tar'];
  const local = await session.local(...inputs, ...outs('local', names));
  const view = await session.watch(await session.submit(...inputs, '--shard-size', '3', ...outs('fleet', names)));
  expect([local.code, view.code]).toEqual([1, 1]);
  for (const name of names) expect(read('fleet', name)).toBe(read('local', name));
  expect(jsonLines(read('fleet/b.jsonl'))).toHaveLength(1 + 10 + 1 + 1 + 1 + 10 + 1 + 1);
});

test('sidecars: pictures with a text of another hand are left alone, and a later run knows its own', async () => {
  mkdirSync(place('side'));
  for (let i = 0; i < 6; i += 1) writeFileSync(place(`side/${i}.png`), await encoded(900 + i, 'png'));
  writeFileSync(place('side/3.txt'), 'by hand');
  const first = await session.watch(await session.submit('side', '--mode', 'caption', '--sidecar', '.txt', '--shard-size', '2'));
  expect(first).toMatchObject({ code: 0, done: 5, skipped: 1, total: 6 });
  expect(read('side/3.txt')).toBe('by hand');
  const caption = read('side/0.txt');
  expect(caption.length).toBeGreaterThan(3);
  const second = await session.watch(await session.submit('side', '--mode', 'caption', '--sidecar', '.txt', '--prefix', 'photo: '));
  expect(second).toMatchObject({ code: 0, done: 5, skipped: 1 });
  expect(read('side/0.txt').trim()).toBe(`photo: ${caption.trim()}`);
});

test('nothing is left of a run that ended well but its record', async () => {
  const id = await session.submit('set/picture 0.jpg', '--mode', 'caption', '--out', 'one/c.jsonl');
  expect((await session.watch(id)).code).toBe(0);
  const left = readdirSync(place('one'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(left.map(({ name }) => name)).toEqual(['c.jsonl']);
  expect(existsSync(place('work', id))).toBe(false);
  expect(existsSync(place('one/.torch-interrogator/fleet', id))).toBe(false);
  expect((await session.fleet('list')).stdout).toContain(id);
  expect((await session.fleet('remove', id)).code).toBe(0);
  expect(await session.fleet('status', id)).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_RUN_NOT_FOUND') });
});

test.each([
  [['set'], 'would write nothing'],
  [['set', '--out', 'x.jsonl', '--device', 'cuda'], '--device'],
  [['set', '--out', 'x.jsonl', '--redo'], '--redo'],
  [['set', '--out', 'x.jsonl', '--no-download'], 'worker --no-download'],
  [['set', '--out', 'x.jsonl', '--tenant', ' '], 'tenant: expected a name'],
  [['set', '--out', 'x.doc'], 'no known format'],
  [['set', '--out', 'x.jsonl', '--clip', 'ViT-L-15/openai'], 'ViT-L-14/openai'],
  [['-', '--out', 'x.jsonl'], 'this process alone'],
  [['set', '--out', '/dev/null/x.jsonl'], 'cannot be written'],
])('submit %j is refused before anything is on the queue', async (args, what) => {
  const refused = await session.fleet('submit', ...args);
  expect(refused).toMatchObject({ stdout: '', stderr: expect.stringContaining(what) });
  expect(refused.code).toBeGreaterThan(0);
  expect(refused.stderr).not.toMatch(/^\s+at /m);
});
