import { type Interrogator, LabelTable } from '../../../lib';
import { APPLE, base64, ROCKET, type Served, served, servedBesideLibrary } from '../served';

const LABELS = ['an apple', 'a rocket', 'a cat', 'yellow', 'a red fruit on a yellow background'];

let server: Served;
let interrogator: Interrogator;

servedBesideLibrary((both) => {
  ({ server, interrogator } = both);
});

test.each(['cosine', 'probability'] as const)('labels of a request are ranked as the library ranks them, by %s', async (scores) => {
  using table = await LabelTable.create(LABELS, null, interrogator, { template: 'a picture of {}' });
  const { status, body } = await server.post('/v1/rank', {
    image: [base64(APPLE), base64(ROCKET)],
    labels: LABELS,
    template: 'a picture of {}',
    scores,
  });
  expect(status).toBe(200);
  for (const [i, bytes] of [APPLE, ROCKET].entries()) {
    using features = await interrogator.imageToFeatures(bytes);
    const wanted = await table.rankScored(features, { topCount: LABELS.length, scores });
    const ranked = body.results[i].ranked as { label: string; similarity: number; probability?: number }[];
    expect(ranked.map(({ label }) => label)).toEqual(wanted.map(({ label }) => label));
    for (const [place, { similarity, probability }] of wanted.entries()) {
      // Tables keep float16.
      expect(ranked[place]?.similarity).toBeCloseTo(similarity, 3);
      if (probability !== undefined) expect(ranked[place]?.probability).toBeCloseTo(probability, 1);
    }
  }
});

test('reverse, thresholds and counts', async () => {
  const ask = async (more: object): Promise<string[]> => {
    const { body } = await server.post('/v1/rank', { image: base64(APPLE), labels: LABELS, ...more });
    return body.results[0].ranked.map(({ label }: { label: string }) => label);
  };
  const all = await ask({});
  expect(await ask({ topCount: 2 })).toEqual(all.slice(0, 2));
  expect(await ask({ reverse: true })).toEqual([...all].reverse());
  expect(await ask({ threshold: 2 })).toEqual([]);
  expect(await ask({ threshold: -1 })).toEqual(all);
});

test("the server's tables are the interrogator's", async () => {
  using features = await interrogator.imageToFeatures(ROCKET);
  const wanted = await interrogator.flavors.rankScored(features, { topCount: 7 });
  const { body } = await server.post('/v1/rank', { image: base64(ROCKET), table: 'flavors', topCount: 7 });
  expect(body.results[0].ranked.map(({ label }: { label: string }) => label)).toEqual(wanted.map(({ label }) => label));
  const { body: list } = await server.get('/v1/tables');
  const counts = Object.fromEntries(list.tables.map(({ name, count }: { name: string; count: number }) => [name, count]));
  expect(counts.flavors).toBe(interrogator.flavors.length);
  const found = await server.get(`/v1/tables/flavors/labels?query=${encodeURIComponent('FLAT')}&limit=3`);
  expect(found.body.total).toBe(interrogator.flavors.labels.filter((label) => label.toLowerCase().includes('flat')).length);
});

test('a list is uploaded under a name, kept, ranked against, and forgotten', async () => {
  const put = (type: string, body: string, query = ''): Promise<{ status: number; body: { id: string; state: string; name: string } }> =>
    server.get(`/v1/tables/mine${query}`, { method: 'PUT', headers: { 'content-type': type }, body });
  const first = await put('text/plain', `${LABELS.join('\r\n')}\n\n`);
  expect(first.status).toBe(202);
  for (let state = 'running'; state === 'running'; ) state = (await server.get(`/v1/jobs/${first.body.id}`)).body.state;
  expect(await put('application/json', JSON.stringify({ labels: LABELS }))).toMatchObject({
    status: 200,
    body: { name: 'mine', count: 5 },
  });
  const ranked = await server.post('/v1/rank', { image: base64(ROCKET), table: 'mine', topCount: 1 });
  expect(ranked.body.results[0].ranked[0].label).toBe('a rocket');

  // A server that is started later has it, too.
  const other = await served({ tables: server.app.interrogator.settings.tables as string });
  const again = await other.post('/v1/rank', { image: base64(APPLE), table: 'mine', topCount: 5 });
  expect(again.body).toMatchObject({ results: [{ ranked: { length: 5 } }] });
  await other.close();

  await put('application/json', JSON.stringify({ labels: ['other\nlabel', 'b'], template: 'x {}' }));
  expect((await server.get('/v1/tables/mine')).body).toMatchObject({ count: 2, template: 'x {}' });
  expect((await server.get('/v1/tables/mine/labels')).body.labels).toEqual(['other\nlabel', 'b']);
  expect((await server.get('/v1/tables/mine', { method: 'DELETE' })).status).toBe(204);
  expect((await server.post('/v1/rank', { image: base64(APPLE), table: 'mine' })).status).toBe(404);
});

test.each([
  ['/v1/tables/flavors', JSON.stringify({ labels: ['a'] }), 409],
  ['/v1/tables/..%2Fescape', JSON.stringify({ labels: ['a'] }), 400],
  ['/v1/tables/a.b', JSON.stringify({ labels: ['a'] }), 400],
  ['/v1/tables/empty', JSON.stringify({ labels: [] }), 400],
  ['/v1/tables/long', JSON.stringify({ labels: ['x'.repeat(1001)] }), 400],
])('PUT %s is refused', async (route, body, status) => {
  const answer = await server.get(route, { method: 'PUT', headers: { 'content-type': 'application/json' }, body });
  expect(answer.status).toBe(status);
});

test('similarities and features are those of the library', async () => {
  const texts = ['an apple', 'a rocket', 'an apple'];
  const { body } = await server.post('/v1/similarity', { image: [base64(APPLE), base64(ROCKET)], text: texts });
  for (const [i, bytes] of [APPLE, ROCKET].entries()) {
    using features = await interrogator.imageToFeatures(bytes);
    const wanted = await interrogator.similarities(features, texts);
    for (const [j, similarity] of wanted.entries()) expect(body.similarities[i][j]).toBeCloseTo(similarity, 4);
    const numbers = await features.toArray();
    const float = await server.post('/v1/features', { image: base64(bytes) });
    const packed = await server.post('/v1/features', { image: base64(bytes), encoding: 'base64' });
    const bytesOf = Buffer.from(packed.body.features[0], 'base64');
    const unpacked = new Float32Array(bytesOf.buffer, bytesOf.byteOffset, bytesOf.length / 4);
    for (const [j, value] of numbers.entries()) {
      expect(float.body.features[0][j]).toBeCloseTo(value, 5);
      expect(unpacked[j]).toBeCloseTo(value, 5);
    }
  }
});

test('a grid of a thousand pictures and a new term needs no picture encoded again', async () => {
  const { body: seen } = await server.post('/v1/features', { image: base64(APPLE) });
  const ids = Array.from({ length: 1000 }, () => `picture:${seen.pictures[0].id}`);
  const { host } = server.app.interrogator.parts.stations.first;
  const before = host.deviceStats?.completed as number;
  const { body } = await server.post('/v1/similarity', { image: ids, text: ['a term that is new'] });
  expect(body.similarities).toHaveLength(1000);
  // The text, the matrices and their product.
  expect((host.deviceStats?.completed as number) - before).toBeLessThanOrEqual(8);
});

test.each([
  ['neither labels nor a table', {}],
  ['both', { labels: ['a'], table: 'flavors' }],
  ['a template without {}', { labels: ['a'], template: 'a' }],
  ['an empty label', { labels: [''] }],
  ['a label of 10,000 characters', { labels: ['x'.repeat(10_000)] }],
])('%s is refused', async (_, more) => {
  expect((await server.post('/v1/rank', { image: base64(APPLE), ...more })).status).toBe(400);
});
