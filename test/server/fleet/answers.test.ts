import { TestRedis } from '../../fleet/support/redis';
import { APPLE, base64, eventsOf, ROCKET, type Served, served } from '../served';
import { door, TestWorker } from './support/fleet';

let redis: TestRedis;
let workers: TestWorker[];
let local: Served;
let remote: Served;

beforeAll(async () => {
  redis = await TestRedis.start();
  workers = await Promise.all([TestWorker.start(redis), TestWorker.start(redis)]);
  [local, remote] = await Promise.all([served(), door(redis, 2)]);
});
afterAll(async () => {
  await Promise.all([local?.close(), remote?.close()]);
  await Promise.all((workers ?? []).map((each) => each.kill()));
  await redis?.stop();
});

/** Figures of a process's own, and numbers to the digits that passes of other sizes agree in. */
function shown(value: unknown, field = ''): unknown {
  if (['seconds', 'id', 'created', 'requestId'].includes(field) && typeof value !== 'object') return undefined;
  if (typeof value === 'number') return Math.round(value * 1e4) / 1e4 || 0;
  if (Array.isArray(value)) return value.map((each) => shown(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shown(each, name)]));
}

const apple = base64(APPLE);
const rocket = base64(ROCKET);
const labels = ['a red apple', 'a rocket', 'a cat', 'the sea', 'a house of stone'];

test.each<[route: string, body: object]>([
  ['/v1/interrogate', { image: apple, modes: ['best', 'classic', 'fast', 'negative', 'caption'] }],
  ['/v1/interrogate', { image: rocket, modes: ['best'], minFlavors: 2, maxFlavors: 4, explain: true, termCount: 3 }],
  ['/v1/interrogate', { image: rocket, modes: ['fast'], caption: 'a thing', similarities: true, exclude: ['oil painting'] }],
  ['/v1/caption', { image: apple }],
  ['/v1/caption', { image: rocket, numBeams: 2, captionMaxLength: 8 }],
  ['/v1/rank', { image: [apple, rocket], labels, scores: 'probability', topCount: 3 }],
  ['/v1/rank', { image: apple, labels, template: 'a photo of {}', reverse: true, threshold: 0.1 }],
  ['/v1/rank', { image: [rocket, apple], table: 'mediums', topCount: 4 }],
  ['/v1/similarity', { image: [apple, rocket], text: labels }],
  ['/v1/features', { image: [apple, rocket], text: labels }],
  ['/v1/features', { text: Array.from({ length: 600 }, (_, i) => `text ${i}`), encoding: 'float' }],
  ['/v1/embeddings', { model: 'sample', input: labels }],
  ['/v1/classify', { model: 'sample', input: [{ text: 'a cat' }, { image: apple }], labels }],
  ['/sdapi/v1/interrogate', { image: apple }],
  ['/interrogator/analyze', { image: apple }],
  ['/embed', { inputs: labels }],
  ['/rerank', { query: 'an apple', texts: labels, return_text: true }],
  ['/post', { data: [{ text: 'apple', matches: labels.map((text) => ({ text })) }], execEndpoint: '/rank' }],
  [
    '/v1/chat/completions',
    {
      model: 'sample#fast',
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${rocket}` } }] }],
    },
  ],
])('%s answers as a server with a device does', async (route, body) => {
  const [theirs, ours] = await Promise.all([local.post(route, body), remote.post(route, body)]);
  expect(ours.status).toBe(200);
  expect(shown(ours.body)).toEqual(shown(theirs.body));
  expect(theirs.status).toBe(200);
});

test('a chat streams the same text, piece by piece', async () => {
  const body = {
    stream: true,
    messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${apple}` } }] }],
  };
  const texts = [];
  for (const server of [local, remote]) {
    const { status, body: text } = await server.post('/v1/chat/completions', body);
    expect(status).toBe(200);
    const chunks = String(text)
      .split('\n\n')
      .filter((part) => part.startsWith('data: {'))
      .map((part) => JSON.parse(part.slice(6)));
    texts.push(chunks.map(({ choices: [choice] }) => choice.delta.content ?? '').join(''));
    expect(chunks.length).toBeGreaterThan(3);
  }
  expect(texts[1]).toBe(texts[0]);
});

test('progress comes as events', async () => {
  const { body } = await remote.post(
    '/v1/interrogate',
    { image: rocket, modes: ['best'], caption: 'a thing' },
    { headers: { accept: 'text/event-stream' } },
  );
  const events = eventsOf(body);
  expect(events.at(-1)).toMatchObject({ event: 'result', data: { caption: 'a thing' } });
  expect(events.filter(({ event }) => event === 'progress').map(({ data }) => data.stage)).toContain('chain');
});

test('a job is done', async () => {
  const { status, body } = await remote.post('/v1/caption', { image: apple }, { headers: { prefer: 'respond-async' } });
  expect(status).toBe(202);
  for (let state = 'running'; state === 'running'; ) {
    const job = await remote.get(`/v1/jobs/${body.id}`);
    state = job.body.state;
    if (state !== 'running') expect(job.body).toMatchObject({ state: 'done', result: { captionModelName: 'sample' } });
  }
});

test('a table of the door is ranked by workers, who fetch its labels', async () => {
  const body = { labels: [...labels, ...Array.from({ length: 300 }, (_, i) => `thing "${i}"\nof many`)], template: 'a picture of {}' };
  for (const server of [local, remote]) {
    const put = await server.get('/v1/tables/mine', {
      method: 'PUT',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    expect(put.status).toBe(202);
    for (let state = 'running'; state === 'running'; ) state = (await server.get(`/v1/jobs/${put.body.id}`)).body.state;
  }
  const ask = { image: [apple, rocket], table: 'mine', topCount: 300 };
  // Of either worker.
  for (let round = 0; round < 4; round += 1) {
    const [theirs, ours] = await Promise.all([local.post('/v1/rank', ask), remote.post('/v1/rank', ask)]);
    expect(ours.status).toBe(200);
    expect(shown(ours.body)).toEqual(shown(theirs.body));
  }
  const tables = await Promise.all([local, remote].map((server) => server.get('/v1/tables')));
  expect(tables[1]?.body).toEqual(tables[0]?.body);
  const pages = await Promise.all([local, remote].map((server) => server.get('/v1/tables/flavors/labels?query=light&limit=20')));
  expect(pages[1]?.body).toEqual(pages[0]?.body);
});

test('a picture is known by its id, and features that one worker made are not made again', async () => {
  const first = await remote.post('/v1/features', { image: apple });
  const id = `picture:${first.body.pictures[0].id}`;
  const { inference } = times(await remote.post('/v1/features', { image: id }));
  expect(inference).toBe(0);
  expect(await remote.post('/v1/interrogate', { image: id, modes: ['fast'] })).toMatchObject({ status: 200 });
  expect(await remote.post('/v1/features', { image: `picture:${'0'.repeat(64)}` })).toMatchObject({ status: 404 });
});

test.each<[what: string, route: string, body: object]>([
  ['a picture that is none', '/v1/interrogate', { image: base64(Buffer.from('not a picture at all, really')) }],
  ['half of a picture', '/v1/features', { image: base64(APPLE.subarray(0, 200)) }],
  ['a model that is not there', '/v1/interrogate', { image: apple, clipModelName: 'nothing' }],
  ['a table that is not there', '/v1/rank', { image: apple, table: 'nothing' }],
  ['settings that do not fit the model', '/v1/caption', { image: apple, captionMaxLength: 500 }],
])('%s is refused as there', async (_, route, body) => {
  const [theirs, ours] = await Promise.all([local.post(route, body), remote.post(route, body)]);
  expect(ours.status).toBeGreaterThanOrEqual(400);
  expect(ours.status).toBe(theirs.status);
  const { instance: _1, ...ourProblem } = ours.body;
  const { instance: _2, ...theirProblem } = theirs.body;
  if (ours.status !== 404) expect(ourProblem).toEqual(theirProblem);
  expect(ours.body.code).toBe(theirs.body.code);
});

test('the door says what its workers have', async () => {
  const { body } = await remote.get('/v1/models');
  expect(body.data).toEqual(
    expect.arrayContaining([expect.objectContaining({ id: 'sample', kind: 'clip', state: 'resident', isDefault: true })]),
  );
  expect((await remote.get('/ready')).status).toBe(200);
  const { body: metrics } = await remote.get('/metrics');
  expect(metrics).toMatch(/^fleet_workers 2$/m);
  expect(metrics).toMatch(/^fleet_requests_waiting 0$/m);
  expect((await remote.get('/v1/status')).body).toMatchObject({ clipModelName: 'sample', onlySample: true });
});

function times({ headers }: { headers: Headers }): Record<string, number> {
  return Object.fromEntries(
    (headers.get('server-timing') ?? '')
      .split(', ')
      .map((span) => span.split(';dur='))
      .map(([name, value]) => [name, Number(value)]),
  );
}
