/** Runs of a fleet over HTTP: submitted, watched, controlled, counted; on a real worker. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { WorkerProcess } from '../../fleet/support/fleet-process';
import { TestProxy, TestRedis } from '../../fleet/support/redis';
import { type Answer, eventsOf, IMAGES, type Served, served } from '../served';
import { until } from './support/fleet';

jest.mock('@bull-board/fastify', () => {
  throw Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' });
});

let folder: string;
let redis: TestRedis;
let proxy: TestProxy;
let worker: WorkerProcess;
let server: Served;
/** No run may be submitted there, and no worker is at its fleet. */
let lonely: Served;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'runs-')));
  cpSync(IMAGES, path.join(folder, 'set'), { recursive: true });
  writeFileSync(path.join(folder, 'set', 'broken.png'), 'this is no picture');
  mkdirSync(path.join(folder, 'out'));
  redis = await TestRedis.start();
  proxy = await TestProxy.before(redis);
  worker = WorkerProcess.start(redis.url, folder, ['--no-requests']);
  const places = [path.join(folder, 'set'), path.join(folder, 'out'), 's3://bucket/results', 'https://pictures.example/all'];
  [server, lonely] = await Promise.all([
    served({ redis: proxy.url, runFolders: places, apiKey: ['secret'] }),
    served({ redis: redis.url, redisPrefix: 'alone', clip: ['sample'] }),
  ]);
}, 60_000);
afterAll(async () => {
  await Promise.all([server?.close(), lonely?.close(), worker?.end('SIGKILL')]);
  await proxy?.close();
  await redis?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const key = { authorization: 'Bearer secret' };
const get = (route: string, headers: Record<string, string> = {}): Promise<Answer> =>
  server.get(route, { headers: { ...key, ...headers } });
const post = (route: string, body: object = {}, headers: Record<string, string> = {}): Promise<Answer> =>
  server.post(route, body, { headers: { ...key, ...headers } });
const set = (): string => path.join(folder, 'set');
const out = (name: string): string => path.join(folder, 'out', name);
const fast = { kind: 'interrogate', modes: ['fast'] };

async function submit(body: object): Promise<string> {
  const { status, body: answer, headers } = await post('/v1/runs', { inputs: [set()], task: fast, ...body });
  expect({ status, answer }).toMatchObject({ status: 201 });
  expect(headers.get('location')).toBe(`runs/${answer.run}`);
  return answer.run;
}

async function ended(run: string): Promise<Answer['body']> {
  await until(async () => (await get(`/v1/runs/${run}`)).body.endedAt !== undefined);
  return (await get(`/v1/runs/${run}`)).body;
}

async function figures(of: Served): Promise<Map<string, number>> {
  const { body } = await of.get('/metrics', { headers: key });
  const lines = (body as string).split('\n').filter((line) => line.startsWith('fleet_'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

test('a submitted run is done, told of as it goes, and says which pictures failed', async () => {
  const run = await submit({ out: [out('a.jsonl')], shardSize: 2, tenant: 'us', priority: 3, title: 'the first' });
  const { body: text } = await get(`/v1/runs/${run}/events`);
  const events = eventsOf(text);
  expect(events.at(-1)).toMatchObject({ event: 'end', data: { run, state: 'ended', done: 3, failed: 1 } });
  expect(events.slice(0, -1).every(({ event }) => event === 'run')).toBe(true);
  const { body: view } = await get(`/v1/runs/${run}`);
  expect(view).toMatchObject({
    ...{ title: 'the first', tenant: 'us', priority: 3, total: 4, secondsLeft: 0, shards: { total: 2, left: 0, active: 0, waiting: 0 } },
    failures: [{ code: 'ERR_IMAGE_FORMAT', count: 1, examples: [{ name: path.join(set(), 'broken.png') }] }],
    written: [out('a.jsonl')],
  });
  const rows = readFileSync(out('a.jsonl'), 'utf8').trim().split('\n');
  expect(rows.map((row) => path.basename(JSON.parse(row).image ?? JSON.parse(row).file))).toHaveLength(4);
  const { body: list } = await get('/v1/runs?limit=1');
  expect(list.runs).toEqual([view]);
}, 30_000);

test('failed pictures are tried again; a run that has ended is forgotten, and its outputs stay', async () => {
  const run = await submit({ out: [out('again.jsonl')], sidecar: { folder: out('texts') } });
  expect(await ended(run)).toMatchObject({ failed: 1 });
  expect((await post(`/v1/runs/${run}/pause`)).body).toMatchObject({ status: 409, code: 'ERR_CONFLICT' });
  cpSync(path.join(set(), 'apple.png'), path.join(set(), 'broken.png'));
  expect((await post(`/v1/runs/${run}/retry`)).status).toBe(200);
  expect(await ended(run)).toMatchObject({ failed: 0, failures: [] });
  writeFileSync(path.join(set(), 'broken.png'), 'this is no picture');
  expect(existsSync(path.join(out('texts'), 'broken.txt'))).toBe(true);
  expect((await post(`/v1/runs/${run}/retry`)).body).toMatchObject({ status: 409, detail: `Nothing of the run ${run} has failed.` });
  expect((await server.get(`/v1/runs/${run}`, { method: 'DELETE', headers: key })).status).toBe(204);
  expect((await get(`/v1/runs/${run}`)).body).toMatchObject({ status: 404, code: 'ERR_RUN_NOT_FOUND' });
  expect(existsSync(out('again.jsonl'))).toBe(true);
}, 30_000);

test('a run is paused, gone on with, and cancelled', async () => {
  // Where no worker is, it stays as it is.
  const elsewhere = await served({ redis: redis.url, redisPrefix: 'alone', runFolders: [folder] });
  const { body } = await elsewhere.post('/v1/runs', { inputs: [set()], out: [out('b.csv')], shardSize: 1 });
  const states = [];
  for (const action of ['pause', 'resume', 'cancel']) states.push((await lonely.post(`/v1/runs/${body.run}/${action}`, {})).body.state);
  expect(states).toEqual(['paused', 'running', 'cancelled']);
  expect((await lonely.post(`/v1/runs/${body.run}/resume`, {})).body).toMatchObject({ status: 409, code: 'ERR_CONFLICT' });
  expect((await lonely.post(`/v1/runs/${body.run}/retry`, {})).status).toBe(409);
  // Of another fleet nothing is known here.
  expect((await get(`/v1/runs/${body.run}`)).status).toBe(404);
  await elsewhere.close();
}, 20_000);

test('a long submission may be a job', async () => {
  const { status, headers, body } = await post(
    '/v1/runs',
    { inputs: [set()], task: fast, out: [out('job.jsonl')] },
    { prefer: 'respond-async' },
  );
  expect({ status, location: headers.get('location') }).toEqual({ status: 202, location: `jobs/${body.id}` });
  await until(async () => (await get(`/v1/jobs/${body.id}`)).body.state !== 'running');
  const { body: job } = await get(`/v1/jobs/${body.id}`);
  expect(job).toMatchObject({ state: 'done', result: { pictures: 4 } });
  expect(await ended(job.result.run)).toMatchObject({ state: 'ended' });
}, 20_000);

test('the workers are told of', async () => {
  const { body } = await get('/v1/workers');
  expect(body.workers).toEqual([
    expect.objectContaining({
      pid: worker.child.pid,
      isAlive: true,
      shards: expect.any(Number),
      pictures: expect.any(Number),
      places: null,
    }),
  ]);
});

describe('What a run may read and write', () => {
  beforeAll(() => {
    symlinkSync('/etc', path.join(set(), 'etc'));
    symlinkSync('/nowhere/at/all.jsonl', out('dangling.jsonl'));
    writeFileSync(path.join(folder, 'secret.png'), readFileSync(path.join(IMAGES, 'apple.png')));
  });
  afterAll(() => rmSync(path.join(set(), 'etc')));

  const allowed = () => ({ inputs: [set()], out: [out('x.jsonl')] });
  test.each<[what: string, status: number, body: () => object]>([
    ['a file beside the folder', 403, () => ({ ...allowed(), inputs: [path.join(folder, 'secret.png')] })],
    ['a way out of the folder', 403, () => ({ ...allowed(), inputs: [`${set()}/../secret.png`] })],
    ['a folder whose name begins alike', 403, () => ({ ...allowed(), inputs: [`${set()}-of-others`] })],
    ['a link that leads out', 403, () => ({ ...allowed(), inputs: [path.join(set(), 'etc', 'hostname')] })],
    ['a file that is not there', 400, () => ({ ...allowed(), inputs: [path.join(set(), 'none.png')] })],
    ['a relative path', 400, () => ({ ...allowed(), inputs: ['set'] })],
    ['standard input', 400, () => ({ ...allowed(), inputs: ['-'] })],
    ['a picture in the address', 400, () => ({ ...allowed(), inputs: ['data:image/png;base64,AAAA'] })],
    ['a file: URL', 400, () => ({ ...allowed(), inputs: [`file://${set()}/apple.png`] })],
    ['another host', 403, () => ({ ...allowed(), inputs: ['https://elsewhere.example/all/a.png'] })],
    ['another path of the host', 403, () => ({ ...allowed(), inputs: ['https://pictures.example/all/../private/a.png'] })],
    ['another path, written otherwise', 403, () => ({ ...allowed(), inputs: ['https://pictures.example/all/%2e%2e/private/a.png'] })],
    ['a path that begins alike', 403, () => ({ ...allowed(), inputs: ['https://pictures.example/allies/a.png'] })],
    ['a user of the host', 403, () => ({ ...allowed(), inputs: ['https://me:pass@pictures.example/all/a.png'] })],
    ['an output elsewhere', 403, () => ({ ...allowed(), out: ['/tmp/x.jsonl'] })],
    ['an output through a link', 403, () => ({ ...allowed(), out: [path.join(set(), 'etc', 'x.jsonl')] })],
    ['an output at a link to nowhere', 403, () => ({ ...allowed(), out: [out('dangling.jsonl')] })],
    ['a report elsewhere', 403, () => ({ ...allowed(), report: '/tmp/x.html' })],
    ['texts elsewhere', 403, () => ({ ...allowed(), sidecar: { folder: '/tmp/texts' } })],
    ['texts with a way out in their names', 400, () => ({ ...allowed(), sidecar: { name: '../{stem}{ext}' } })],
    ['a state elsewhere', 403, () => ({ ...allowed(), state: '/tmp/state' })],
    ['another bucket', 403, () => ({ ...allowed(), state: 's3://others/results' })],
    ['a way out in a bucket', 403, () => ({ ...allowed(), state: 's3://bucket/results/../private' })],
    ["a bundle's folder", 400, () => ({ ...allowed(), config: { clipModelName: '/etc' } })],
    ['a relative folder of a bundle', 400, () => ({ ...allowed(), config: { clipModelName: '../models' } })],
    ['fields of another task', 400, () => ({ ...allowed(), task: { kind: 'rank', modes: ['fast'], labels: ['a'] } })],
    ['rank without labels', 400, () => ({ ...allowed(), task: { kind: 'rank' } })],
    ['a table of no kind', 400, () => ({ ...allowed(), out: [out('x.exe')] })],
    ['no output', 400, () => ({ inputs: [set()] })],
    ['a model that nobody knows', 404, () => ({ ...allowed(), config: { clipModelName: 'no/such' } })],
  ])('%s: refused with %d', async (_, status, body) => {
    const before = (await get('/v1/runs')).body.total;
    const answer = await post('/v1/runs', body());
    expect({ status: answer.status, is: answer.body.status, detail: answer.body.detail }).toMatchObject({ status, is: status });
    expect((await get('/v1/runs')).body.total).toBe(before);
  });

  test('without --run-folders nothing is submitted, and the hint says how', async () => {
    const { body } = await lonely.post('/v1/runs', allowed());
    expect(body).toMatchObject({ status: 403, code: 'ERR_FORBIDDEN', hint: expect.stringContaining('--run-folders') });
    expect((await lonely.get('/v1/status')).body.fleet).toEqual({ submits: false });
    expect((await get('/v1/status')).body.fleet).toEqual({ submits: true });
  });

  test('texts alone leave their state in the folder of pictures, and of several inputs in the first of the run folders', async () => {
    const one = await submit({ sidecar: { folder: out('one') } });
    const two = await submit({ inputs: [path.join(set(), 'apple.png'), path.join(set(), 'rocket.png')], sidecar: { folder: out('two') } });
    expect([(await ended(one)).done, (await ended(two)).done]).toEqual([3, 2]);
    expect(existsSync(path.join(set(), '.torch-interrogator'))).toBe(true);
    expect(existsSync(path.resolve('.torch-interrogator'))).toBe(false);
  }, 20_000);
});

test('where the page of the queues is not installed, /queues says what to do', async () => {
  for (const route of ['/queues', '/queues/', '/queues/api/queues']) {
    expect((await lonely.get(route)).body).toMatchObject({
      ...{ status: 501, detail: 'The page of the queues is not installed.' },
      hint: expect.stringMatching(/^npm install @bull-board\/api@\d+\.\d+\.\d+ @bull-board\/fastify@\d/),
    });
  }
  expect((await server.get('/queues')).status).toBe(401);
});

test('a Redis that is away: 503 for runs, and all the rest goes on', async () => {
  expect((await figures(server)).get('fleet_redis_up')).toBe(1);
  proxy.block();
  await until(async () => (await get('/v1/runs')).status === 503);
  const { body, headers } = await get('/v1/runs');
  expect(body).toMatchObject({ code: 'ERR_REDIS', retryAfter: expect.any(Number) });
  expect(headers.get('retry-after')).not.toBeNull();
  const { body: submitted } = await post('/v1/runs', { inputs: [set()], out: [out('away.jsonl')] });
  expect(submitted).toMatchObject({ status: 503, code: 'ERR_REDIS' });
  expect((await get('/v1/status')).status).toBe(200);
  await until(async () => (await figures(server)).get('fleet_redis_up') === 0);
  // No figure at all, rather than one that says that there is nothing to do.
  expect([...(await figures(server)).keys()]).toEqual(['fleet_redis_up']);
  proxy.restore();
  await until(async () => (await get('/v1/runs')).status === 200);
  await until(async () => (await figures(server)).get('fleet_redis_up') === 1);
}, 20_000);

test('/metrics says what waits, who works, and what failed', async () => {
  const elsewhere = await served({ redis: redis.url, redisPrefix: 'alone', runFolders: [folder] });
  const { body } = await elsewhere.post('/v1/runs', { inputs: [set()], out: [out('m.csv')], shardSize: 1 });
  await elsewhere.close();
  await until(async () => (await figures(lonely)).get('fleet_shards_waiting') === 4);
  expect(Object.fromEntries(await figures(lonely))).toMatchObject({
    ...{ fleet_redis_up: 1, fleet_shards_active: 0, fleet_pictures_waiting: 4, fleet_work_seconds_waiting: 4 },
    ...{ fleet_workers_alive: 0, fleet_requests_queued: 0, fleet_pictures_failed: 0, 'fleet_runs{state="running"}': 1 },
  });
  await lonely.post(`/v1/runs/${body.run}/pause`, {});
  await until(async () => (await figures(lonely)).get('fleet_shards_waiting') === 0);
  expect(Object.fromEntries(await figures(lonely))).toMatchObject({ 'fleet_runs{state="paused"}': 1, fleet_work_seconds_waiting: 0 });
  const theirs = await figures(server);
  expect(theirs.get('fleet_workers_alive')).toBe(1);
  expect(theirs.get('fleet_pictures_failed')).toBeGreaterThan(0);
}, 20_000);

test.each([
  [{ redis: 'http://127.0.0.1' }, /redis: expected an address/],
  [{ runFolders: [tmpdir()] }, /runFolders: needs redis/],
  [{ redis: 'redis://127.0.0.1:1', runFolders: [path.join(IMAGES, 'none')] }, /none is not a folder/],
])('%j is refused when the server is made', async (options, problem) => {
  await expect(served(options)).rejects.toThrow(problem);
});

test('a server whose Redis never was there serves all but the runs', async () => {
  const alone = await served({ redis: 'redis://127.0.0.1:1' });
  expect((await alone.get('/ready')).status).toBe(200);
  expect((await alone.get('/v1/runs')).body).toMatchObject({ status: 503, code: 'ERR_REDIS' });
  expect((await alone.get('/v1/workers')).status).toBe(503);
  await alone.close();
});
