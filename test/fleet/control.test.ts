/** What a person does with runs, and what becomes of them when pictures, workers and machines are not as they should be. */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Fleet } from '../../lib/fleet';
import { RunRecords } from '../../lib/fleet/runs/records';
import { agree } from '../../lib/fleet/work/jobs/dependence';
import { countLate, takeTurn } from '../../lib/fleet/work/tenant-limit';
import { jsonLines } from '../cli/command';
import { encoded } from '../run/support/picture-set';
import { FleetSession } from './support/session';

const LOCK = ['--lock-seconds', '2'];

let session: FleetSession;
let server: Server;
let address: string;
let answer: (url: string) => Promise<Buffer | undefined>;
beforeAll(async () => {
  session = await FleetSession.start();
  mkdirSync(place('set'));
  for (let i = 0; i < 40; i += 1) writeFileSync(place(`set/${i}.png`), await encoded(2000 + i, 'png'));
  server = createServer(async ({ url = '' }, response) => {
    const bytes = await answer(url);
    response.statusCode = bytes ? 200 : 503;
    response.end(bytes);
  });
  server.listen(0, '127.0.0.1');
  await new Promise<void>((resolve) => server.once('listening', () => resolve()));
  address = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  await session.local('set/0.png', '--mode', 'fast');
}, 60_000);
beforeEach(() => {
  answer = async () => undefined;
});
afterEach(() => session.stopWorkers());
afterAll(async () => {
  server.close();
  await session.end();
});

const place = (...parts: string[]): string => path.join(session.folder, ...parts);

interface Line {
  image: string;
  caption?: string;
  error?: { code: string; message: string };
}

const rows = (name: string): Line[] => jsonLines<Line>(readFileSync(place(name), 'utf8'));

async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found) return found;
    await sleep(50);
  }
}

test('a paused run begins no shard, and goes on', async () => {
  const id = await session.submit('set', '--mode', 'caption', '--shard-size', '2', '--out', 'paused.jsonl');
  expect(await session.fleet('pause', id)).toMatchObject({ code: 0, stdout: `Run ${id}: paused\n` });
  const worker = session.startWorker();
  await worker.said(({ event }) => event === 'started');
  await sleep(500);
  expect(await session.status(id)).toMatchObject({ state: 'paused', done: 0, shards: { total: 20, left: 20, active: 0 } });
  await session.fleet('resume', id);
  expect(await session.watch(id)).toMatchObject({ code: 0, state: 'ended', done: 40 });
});

test('a cancelled run ends at once, writes nothing and leaves nothing', async () => {
  answer = () => new Promise(() => {});
  const id = await session.submit('set', `${address}/never.png`, '--mode', 'caption', '--shard-size', '4', '--out', 'cancelled.jsonl');
  const worker = session.startWorker();
  await until(async () => (await session.status(id)).done >= 40);
  const watching = session.watch(id);
  expect(await session.fleet('cancel', id)).toMatchObject({ code: 0 });
  expect(await watching).toMatchObject({ code: 130, state: 'cancelled' });
  await worker.said(({ event, run }) => event === 'left' && run === id);
  expect(existsSync(place('cancelled.jsonl'))).toBe(false);
  expect(await session.fleet('retry', id)).toMatchObject({ code: 2, stderr: expect.stringContaining('was cancelled') });
});

test('retry does what failed, that alone, and writes the outputs anew', async () => {
  const id = await session.submit(
    'set/1.png',
    `${address}/a.png`,
    'set/2.png',
    `${address}/b.png`,
    '--mode',
    'caption',
    '--out',
    'retried.jsonl',
  );
  session.startWorker();
  expect(await session.watch(id)).toMatchObject({ code: 1, done: 2, failed: 2, encoded: 2 });
  expect(rows('retried.jsonl').map(({ error }) => error?.code)).toEqual([undefined, 'ERR_NETWORK', undefined, 'ERR_NETWORK']);
  const picture = await encoded(5, 'png');
  answer = async (url) => (url === '/a.png' ? picture : undefined);
  expect(await session.fleet('retry', id)).toMatchObject({ code: 0 });
  expect(await session.watch(id)).toMatchObject({ code: 1, done: 3, failed: 1 });
  answer = async () => picture;
  await session.fleet('retry', id);
  expect(await session.watch(id)).toMatchObject({ code: 0, done: 4, failed: 0, encoded: 4 });
  expect(rows('retried.jsonl').map(({ image, error }) => [image, error])).toEqual(
    ['set/1.png', `${address}/a.png`, 'set/2.png', `${address}/b.png`].map((image) => [image, undefined]),
  );
});

test('a picture that ends its worker’s process is found, and fails alone', async () => {
  let deaths = 0;
  answer = async () => {
    deaths += 1;
    for (const each of session.workers.splice(0)) void each.end('SIGKILL');
    session.startWorker(...LOCK);
    return undefined;
  };
  const pictures = ['set/1.png', 'set/2.png', `${address}/poison.png`, 'set/3.png', 'set/4.png'];
  const id = await session.submit(...pictures, '--mode', 'caption', '--out', 'poison.jsonl');
  session.startWorker(...LOCK);
  expect(await session.watch(id)).toMatchObject({ code: 1, failed: 1, total: 5 });
  expect(deaths).toBe(4);
  const failed = rows('poison.jsonl').filter(({ error }) => error);
  expect(failed).toEqual([
    { image: pictures[2], error: expect.objectContaining({ code: 'ERR_RUNTIME', message: expect.stringContaining('poison.png') }) },
  ]);
});

test('a worker that is told to end gives back what it cannot finish, and others go on with it', async () => {
  let asked = 0;
  const picture = await encoded(6, 'png');
  answer = async () => {
    asked += 1;
    return asked === 1 ? new Promise<never>(() => {}) : picture;
  };
  const id = await session.submit('set/1.png', `${address}/slow.png`, '--mode', 'caption', '--out', 'drained.jsonl');
  const first = session.startWorker('--grace', '1');
  await until(async () => asked > 0);
  expect(await first.end('SIGTERM')).toBe(0);
  expect(first.lines).toContainEqual(expect.objectContaining({ event: 'given back', run: id }));
  session.startWorker();
  // What the first one had done of the shard is known here.
  expect(await session.watch(id)).toMatchObject({ code: 0, done: 1, kept: 1 });
});

test('runs of a lower number go first', async () => {
  const late = await session.submit('set', '--mode', 'caption', '--shard-size', '2', '--priority', '20', '--out', 'late.jsonl');
  const early = await session.submit('set', '--mode', 'caption', '--shard-size', '2', '--priority', '1', '--out', 'early.jsonl');
  const worker = session.startWorker('--shards', '1');
  await Promise.all([session.watch(late), session.watch(early)]);
  const order = worker.lines.filter(({ event }) => event === 'shard').map(({ run }) => run);
  // It may have begun one of the others before it knew of both.
  expect(order.slice(0, 21).filter((run) => run === early).length).toBeGreaterThanOrEqual(19);
});

test('another version of the package takes no part, and says so', async () => {
  const id = await session.submit('set/1.png', '--mode', 'caption', '--out', 'version.jsonl');
  const redis = new Redis(session.redis.url);
  const key = `torch-interrogator:run:${id}`;
  const spec = JSON.parse((await redis.hget(key, 'spec')) as string);
  await redis.hset(key, 'spec', JSON.stringify({ ...spec, version: '9.8.7' }));
  redis.disconnect();
  const worker = session.startWorker();
  await worker.said(({ event }) => event === 'refused');
  const { stdout } = await session.fleet('status', id);
  expect(stdout).toMatch(/takes no part: .*submitted with 9\.8\.7/);
  expect(await session.status(id)).toMatchObject({ state: 'running', done: 0 });
  await session.fleet('cancel', id);
});

test('other terms, as other weights, are refused by name, and the shard goes to a worker that has the run’s', async () => {
  const id = await session.submit('set', '--mode', 'fast', '--shard-size', '4', '--out', 'terms.jsonl');
  const first = session.startWorker('--shards', '1', '--grace', '0');
  await first.said(({ event }) => event === 'shard');
  await first.end('SIGTERM');
  const home = place('home');
  cpSync(path.join(__dirname, '../../models/sample'), path.join(home, 'sample'), { recursive: true });
  const manifest = path.join(home, 'sample/clip/manifest.json');
  const terms = path.join(home, 'sample/clip/vocabulary/mediums.txt');
  const added = `${readFileSync(terms, 'utf8').trimEnd()}\nan added medium\n`;
  writeFileSync(terms, added);
  const known = JSON.parse(readFileSync(manifest, 'utf8'));
  known.files['vocabulary/mediums.txt'] = { bytes: Buffer.byteLength(added), sha256: createHash('sha256').update(added).digest('hex') };
  writeFileSync(manifest, JSON.stringify(known));
  const other = session.startWorkerWith({ TORCH_INTERROGATOR_HOME: home });
  const { message } = await other.said(({ event }) => event === 'refused');
  expect(message).toMatch(/differs from the run's first one in its .*terms/);
  expect((await session.fleet('status', id)).stdout).toContain('takes no part');
  session.startWorker();
  const view = await session.watch(id);
  expect(view).toMatchObject({ code: 0, failed: 0, total: 40 });
});

test('what a run depends on is told by its first worker, and differences by name', async () => {
  using fleet = await Fleet.connect({ url: session.redis.url });
  const records = new RunRecords(fleet);
  await fleet.redis.hset(fleet.key('run', 'some'), 'spec', '{}');
  const own = { keys: ['a', 'b'], settings: { clip: '"1"', caption: '"2"', terms: '"3"', numBeams: '1' } };
  await agree(records, 'some', own);
  await agree(records, 'some', { ...own, settings: { ...own.settings } });
  const other = { keys: ['a', 'c'], settings: { ...own.settings, clip: '"9"', numBeams: '4' } };
  await expect(agree(records, 'some', other)).rejects.toMatchObject({
    code: 'ERR_RUN_MISMATCH',
    message: expect.stringMatching(/CLIP weights, numBeams/),
  });
});

test('a tenant’s runs begin no more pictures a second than it may', async () => {
  using fleet = await Fleet.connect({ url: session.redis.url });
  expect((await session.fleet('limit', 'slow', '50')).code).toBe(0);
  const waits: number[] = [];
  // A second's worth may be ahead.
  for (let i = 0; i < 5; i += 1) waits.push(await takeTurn(fleet, 'slow', 50));
  expect(waits.slice(0, 2)).toEqual([0, 0]);
  for (const wait of waits.slice(2)) expect(wait).toBeGreaterThan(500);
  expect(await takeTurn(fleet, 'other', 1e6)).toBe(0);
  // Of a tar nobody knew how many pictures it has before it was read.
  await countLate(fleet, 'slow', 500);
  expect(await takeTurn(fleet, 'slow', 1)).toBeGreaterThan(10_000);
  await session.fleet('limit', 'slow', 'none');
  expect(await takeTurn(fleet, 'slow', 1e6)).toBe(0);
});

test('a Redis whose memory is full says so, and nothing half remains', async () => {
  const redis = new Redis(session.redis.url);
  await redis.config('SET', 'maxmemory', '1');
  const refused = await session.fleet(
    'submit',
    'set',
    '--mode',
    'caption',
    '--out',
    'full.jsonl',
    '--clip',
    'sample',
    '--caption',
    'sample',
  );
  await redis.config('SET', 'maxmemory', '0');
  redis.disconnect();
  expect(refused).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/memory that Redis may use is full[\s\S]*run remove/),
  });
});

test.each(['pause', 'resume', 'cancel', 'retry', 'remove', 'status', 'watch'])(
  'run %s of a run that nobody knows says so',
  async (command) => {
    const { code, stderr } = await session.fleet(command, 'nosuchrun1');
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('There is no run nosuchrun1. (ERR_RUN_NOT_FOUND)') });
  },
);
