import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Answer, APPLE, base64, type Served, served } from '../served';

const SAMPLE = path.join(__dirname, '..', '..', '..', 'models', 'sample');
const HOME = process.env.TORCH_INTERROGATOR_HOME;
let server: Served;

beforeAll(() => {
  // The same weights under other names: models that can be told apart.
  const home = mkdtempSync(path.join(tmpdir(), 'bundles-'));
  for (const name of ['one', 'two', 'three']) {
    for (const kind of ['clip', 'caption']) {
      const folder = path.join(home, name, kind);
      mkdirSync(folder, { recursive: true });
      for (const file of readdirSync(path.join(SAMPLE, kind))) {
        if (file !== 'manifest.json') symlinkSync(path.join(SAMPLE, kind, file), path.join(folder, file));
      }
      const manifest = JSON.parse(readFileSync(path.join(SAMPLE, kind, 'manifest.json'), 'utf8')) as object;
      writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify({ ...manifest, name }));
    }
  }
  process.env.TORCH_INTERROGATOR_HOME = home;
});
afterAll(() => {
  if (HOME === undefined) delete process.env.TORCH_INTERROGATOR_HOME;
  else process.env.TORCH_INTERROGATOR_HOME = HOME;
});
afterEach(() => server.close());

async function statesOf(kind: string): Promise<Record<string, string>> {
  const { body } = await server.get('/v1/models');
  const models = body.data.filter((each: { kind: string; state: string }) => each.kind === kind && each.state !== 'available');
  return Object.fromEntries(models.map(({ id, state }: { id: string; state: string }) => [id, state]));
}

let count = 0;
/** Of a text that no cache has. */
const features = (clipModelName: string): Promise<Answer> => {
  count += 1;
  return server.post('/v1/features', { text: `text ${count}`, clipModelName });
};

test('models are loaded when they are asked for, once for all who wait, and each weight once', async () => {
  server = await served();
  const { body: before } = await server.get('/v1/status');
  expect(await statesOf('clip')).toEqual({ sample: 'resident', one: 'installed', two: 'installed', three: 'installed' });
  const asked = Promise.all([
    ...Array.from({ length: 5 }, () => features('one')),
    server.post('/v1/caption', { image: base64(APPLE), captionModelName: 'two' }),
  ]);
  for (const { status } of await asked) expect(status).toBe(200);
  expect(await statesOf('clip')).toMatchObject({ sample: 'resident', one: 'resident', two: 'installed' });
  expect(await statesOf('caption')).toMatchObject({ sample: 'resident', two: 'resident', one: 'installed' });
  // Another pair of models that are there takes no weights more.
  const { body: after } = await server.get('/v1/status');
  expect(after.devices[0].weightBytes).toBe(2 * before.devices[0].weightBytes);
  const pair = await server.post('/v1/interrogate', {
    image: base64(APPLE),
    clipModelName: 'one',
    captionModelName: 'two',
    modes: ['fast'],
  });
  expect(pair.status).toBe(200);
  expect((await server.get('/v1/status')).body.devices[0].weightBytes).toBe(after.devices[0].weightBytes);
});

test('what was used least lately makes room', async () => {
  server = await served();
  const weights = async (): Promise<number> => (await server.get('/v1/status')).body.devices[0].weightBytes;
  const pair = await weights();
  await features('one');
  const both = await weights();
  await server.close();
  // The pair of the start, and one CLIP model more.
  server = await served({ memory: both + 1000 });
  for (const name of ['one', 'two', 'three', 'two']) expect((await features(name)).status).toBe(200);
  expect(await statesOf('clip')).toEqual({ sample: 'resident', one: 'installed', two: 'resident', three: 'installed' });
  await server.close();
  server = await served({ memory: pair + 1000 });
  expect(await features('one')).toMatchObject({ status: 503, body: { code: 'ERR_OUT_OF_MEMORY' } });
});

test('who is idle is unloaded after a while, but for those of the start', async () => {
  server = await served({ keepAlive: 1 });
  await features('one');
  for (let state = 'resident'; state === 'resident'; ) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    state = (await statesOf('clip')).one as string;
  }
  expect(await statesOf('clip')).toMatchObject({ sample: 'resident', one: 'installed' });
}, 30_000);

test('models are loaded and unloaded by hand', async () => {
  server = await served();
  const post = (what: string, name: string): Promise<Answer> => server.post(`/v1/models/${what}`, { kind: 'clip', name });
  expect((await post('load', 'one')).body).toMatchObject({ id: 'one', state: 'resident' });
  expect((await post('unload', 'one')).body).toMatchObject({ id: 'one', state: 'installed' });
  expect((await post('unload', 'one')).status).toBe(404);
  expect((await post('unload', 'sample')).status).toBe(409);
  expect((await post('load', 'nothing')).status).toBe(404);
});

test('the list is of all names, and says what is here', async () => {
  server = await served();
  const { body } = await server.get('/v1/models');
  const sample = body.data.filter(({ isSample }: { isSample: boolean }) => isSample);
  expect(sample).toHaveLength(2);
  for (const each of sample) expect(each).toMatchObject({ state: 'resident', isDefault: true, object: 'model' });
  const large = body.data.find(({ id }: { id: string }) => id === 'ViT-L-14/openai');
  expect(large).toMatchObject({ kind: 'clip', embedDim: 768 });
  expect(large.download).toBeGreaterThan(1e9);
  expect((await server.get('/v1/models/ViT-L-14/openai')).body.id).toBe('ViT-L-14/openai');
  expect((await server.get('/v1/models/nothing/here')).status).toBe(404);
});

test('a model that is not here is not fetched for a request', async () => {
  server = await served({ allowPull: false });
  const asked = await server.post('/v1/interrogate', { image: base64(APPLE), clipModelName: 'RN50/openai', modes: ['fast'] });
  expect(asked).toMatchObject({ status: 404, body: { code: 'ERR_WEIGHTS_NOT_FOUND' } });
  const pulled = await server.post('/v1/models/pull', { kind: 'clip', name: 'RN50/openai' });
  expect(pulled).toMatchObject({ status: 403, body: { code: 'ERR_FORBIDDEN' } });
});

test.each(['./sample', '/etc', '../../models/sample', '~/x', 'file:///etc/passwd'])('%s, a path, is no model of a client', async (name) => {
  server = await served();
  expect((await server.post('/v1/interrogate', { image: base64(APPLE), clipModelName: name })).status).toBe(404);
  expect((await server.post('/v1/models/load', { kind: 'clip', name })).status).toBe(404);
});

test('who starts the server may name a folder, and clients call it by its name', async () => {
  server = await served({ clip: [path.join(SAMPLE, 'clip')], caption: [SAMPLE] });
  const { status, body } = await server.post('/v1/interrogate', { image: base64(APPLE), clipModelName: 'sample', modes: ['fast'] });
  expect(status).toBe(200);
  expect(body.clipModelName).toBe('sample');
});

test('without names the sample pair is taken where the usual models are not here', async () => {
  server = await served({ clip: undefined, caption: undefined } as never);
  expect((await server.get('/v1/status')).body).toMatchObject({ onlySample: true, clipModelName: 'sample' });
  expect((await server.get('/ready')).status).toBe(200);
});
