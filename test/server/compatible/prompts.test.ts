/** clip-interrogator-ext, A1111 and SD.Next, asked as their clients in a browser ask. */
import { Interrogator, MODES, type ModesAnswer } from '../../../lib';
import { APPLE, base64, ROCKET, type Served, served } from '../served';

let server: Served;
let interrogator: Interrogator;
let wanted: ModesAnswer;

beforeAll(async () => {
  server = await served();
  interrogator = await Interrogator.create({ clipModelName: 'sample', captionModelName: 'sample', cachePath: null, quiet: true });
  wanted = await interrogator.describeModes(ROCKET, { modes: MODES, termCount: 5 });
});
afterAll(async () => {
  wanted.features.close();
  await server.close();
  await interrogator.dispose();
});

const image = base64(ROCKET);
const promptOf = (mode: string) => wanted.descriptions.find((each) => each.mode === mode)?.prompt;
const TABLES = { medium: 'mediums', artist: 'artists', movement: 'movements', trending: 'trendings', flavor: 'flavors' } as const;

test('clip-interrogator-ext: the prompt of each mode, fast by default', async () => {
  for (const mode of [...MODES, undefined]) {
    const { status, body } = await server.post('/interrogator/prompt', { image, clip_model_name: 'sample', ...(mode && { mode }) });
    expect({ status, body }).toEqual({ status: 200, body: { prompt: promptOf(mode ?? 'fast') } });
  }
  const { body } = await server.post('/interrogator/prompt', { image: `data:image/png;base64,${image}`, field_of_tomorrow: 1 });
  expect(body).toEqual({ prompt: promptOf('fast') });
});

test('clip-interrogator-ext: the five best terms of each table, the best first', async () => {
  const { body } = await server.post('/interrogator/analyze', { image });
  expect(Object.keys(body)).toEqual(['medium', 'artist', 'movement', 'trending', 'flavor']);
  for (const [name, table] of Object.entries(TABLES)) {
    const terms = wanted.terms[table] ?? [];
    expect(terms.length).toBeGreaterThan(0);
    expect(Object.entries(body[name])).toEqual(terms.map(({ label, similarity }) => [label, similarity]));
  }
});

test('clip-interrogator-ext and SD.Next: the names of CLIP models are those that a request may have', async () => {
  for (const route of ['/interrogator/models', '/sdapi/v1/openclip']) {
    const { body } = await server.get(route);
    expect(body).toEqual(['sample']);
  }
});

test('A1111: the caption is the classic prompt, and the time is told', async () => {
  for (const model of [undefined, 'clip', 'sample']) {
    const { status, body, headers } = await server.post('/sdapi/v1/interrogate', { image, ...(model && { model }) });
    expect({ status, body }).toEqual({ status: 200, body: { caption: promptOf('classic') } });
    expect(Number(headers.get('x-process-time'))).toBeGreaterThanOrEqual(0);
  }
});

test('SD.Next: openclip has the prompt, and the best terms where they are asked for', async () => {
  const none = { medium: null, artist: null, movement: null, trending: null, flavor: null };
  expect((await server.post('/sdapi/v1/openclip', { image })).body).toEqual({ caption: promptOf('best'), ...none });
  const { body } = await server.post('/sdapi/v1/openclip', {
    image,
    clip_model: 'sample',
    blip_model: 'sample',
    mode: 'fast',
    analyze: true,
  });
  const best = Object.fromEntries(Object.entries(TABLES).map(([name, table]) => [name, wanted.terms[table]?.[0]?.label]));
  expect(body).toEqual({ caption: promptOf('fast'), ...best });

  const superset = { tags: null, scores: null, answer: null, annotated_image: null };
  const caption = await server.post('/sdapi/v1/caption', { image, mode: 'caption' });
  expect(caption.body).toEqual({ backend: 'openclip', caption: promptOf('caption'), ...none, ...superset });
  const analyzed = await server.post('/sdapi/v1/caption', { image, backend: 'analyze' });
  expect(analyzed.body).toEqual({ backend: 'analyze', caption: null, ...best, ...superset });
});

test('SD.Next: its settings are the settings of the library', async () => {
  const captionMaxLength = 4;
  const small = await Interrogator.create({
    clipModelName: 'sample',
    captionModelName: 'sample',
    cachePath: null,
    quiet: true,
    chunkSize: 16,
    flavorIntermediateCount: 24,
  });
  const options = { minFlavors: 1, maxFlavors: 3, captionMaxLength, numBeams: 2 };
  const { prompt } = await small.describe(APPLE, { mode: 'best', ...options }).finally(() => small.dispose());
  const settings = { max_length: captionMaxLength, num_beams: 2, min_flavors: 1, max_flavors: 3, chunk_size: 16, flavor_count: 24 };
  const { body } = await server.post('/sdapi/v1/openclip', { image: base64(APPLE), ...settings });
  expect(body.caption).toBe(prompt);
  expect(body.caption).not.toBe((await interrogator.describe(APPLE)).prompt);
});

test('errors have the shape of each system', async () => {
  const broken = base64(Buffer.from('no picture at all'));
  const detail = expect.stringMatching(/\S/);
  expect(await server.post('/interrogator/prompt', { image: '' })).toMatchObject({ status: 404, body: { detail } });
  expect(await server.post('/interrogator/analyze', { image: broken })).toMatchObject({ status: 422, body: { detail } });
  expect(await server.post('/interrogator/prompt', { image, clip_model_name: 'nobody' })).toMatchObject({ status: 404, body: { detail } });
  expect(await server.post('/interrogator/prompt', { image, mode: 'slow' })).toMatchObject({ status: 400, body: { detail } });

  const shape = { error: 'HTTPException', detail, body: '', errors: detail };
  expect(await server.post('/sdapi/v1/interrogate', { image: broken })).toMatchObject({ status: 422, body: shape });
  expect(await server.post('/sdapi/v1/interrogate', {})).toMatchObject({ status: 404, body: shape });
  for (const [status, body] of [
    [404, { image, backend: 'tagger' }],
    [404, { image, backend: 'vlm' }],
    [400, { image, backend: 'crystal ball' }],
    [422, { image: broken }],
    [404, { image, blip_model: 'nobody' }],
    [400, { image, num_beams: 1000 }],
  ] as const) {
    expect(await server.post('/sdapi/v1/caption', body)).toMatchObject({ status, body: { ...shape, code: status } });
  }
});
