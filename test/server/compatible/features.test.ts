/** text-embeddings-inference, clip-as-service and Immich, asked as their clients ask. */
import type { Interrogator } from '../../../lib';
import { APPLE, base64, ROCKET, type Served, servedBesideLibrary } from '../served';
import { expectRows, rowsOf } from './rows';

let server: Served;
let interrogator: Interrogator;

servedBesideLibrary((both) => {
  ({ server, interrogator } = both);
});

const TEXTS = ['an apple', 'a rocket', 'a cat and a pizza', ''];

async function cosinesOf(texts: readonly string[], query: string): Promise<number[]> {
  const [first = [], ...rows] = await rowsOf(interrogator, { texts: [query, ...texts] });
  return rows.map((row) => row.reduce((sum, x, at) => sum + x * (first[at] as number), 0));
}

function expectNear(given: readonly number[], wanted: readonly number[]): void {
  expect(given).toHaveLength(wanted.length);
  for (const [i, number] of given.entries()) expect(number).toBeCloseTo(wanted[i] as number, 5);
}

test('text-embeddings-inference: /embed has the features, and tells tokens and times', async () => {
  const { body, headers } = await server.post('/embed', { inputs: TEXTS });
  expectRows(body, await rowsOf(interrogator, { texts: TEXTS }));
  const counts = await Promise.all(TEXTS.map((text) => interrogator.countTokens(text)));
  expect(headers.get('x-compute-tokens')).toBe(String(counts.reduce((sum, count) => sum + count, 0)));
  expect(headers.get('x-compute-characters')).toBe(String(TEXTS.join('').length));
  for (const name of ['compute', 'total', 'tokenization', 'queue', 'inference']) expect(headers.get(`x-${name}-time`)).toMatch(/^\d+$/);
  expectRows((await server.post('/embed', { inputs: 'a rocket' })).body, await rowsOf(interrogator, { texts: ['a rocket'] }));
});

test('text-embeddings-inference: a text that the model does not read whole is refused, or cut', async () => {
  const long = 'a rocket '.repeat(100);
  expect(await server.post('/embed', { inputs: long })).toMatchObject({ status: 422, body: { error_type: 'validation' } });
  expectRows((await server.post('/embed', { inputs: long, truncate: true })).body, await rowsOf(interrogator, { texts: [long] }));
});

test('text-embeddings-inference: /similarity and /rerank', async () => {
  const cosines = await cosinesOf(TEXTS, 'a fruit');
  const { body } = await server.post('/similarity', { inputs: { source_sentence: 'a fruit', sentences: TEXTS } });
  expectNear(body, cosines);

  const order = [...TEXTS.keys()].sort((a, b) => (cosines[b] as number) - (cosines[a] as number));
  const raw = await server.post('/rerank', { query: 'a fruit', texts: TEXTS, raw_scores: true, return_text: true });
  expect(raw.body.map(({ index, text }: { index: number; text: string }) => [index, text])).toEqual(order.map((i) => [i, TEXTS[i]]));
  const scores = (answer: { score: number }[]): number[] => answer.map(({ score }) => score);
  expectNear(
    scores(raw.body),
    order.map((i) => cosines[i] as number),
  );
  const scaled = await server.post('/rerank', { query: 'a fruit', texts: TEXTS });
  expect(scaled.body[0]).not.toHaveProperty('text');
  expectNear(
    scores(scaled.body),
    order.map((i) => (1 + (cosines[i] as number)) / 2),
  );
});

test('text-embeddings-inference: /info and /health', async () => {
  expect((await server.get('/info')).body).toMatchObject({ model_id: 'sample', max_input_length: interrogator.contextTokens });
  expect(await server.get('/health')).toMatchObject({ status: 200, body: '' });
});

test.each([
  ['/embed', { inputs: [] }, 400, 'validation'],
  ['/embed', {}, 422, 'validation'],
  ['/embed', { inputs: 'x', normalize: false }, 422, 'validation'],
  ['/embed', { inputs: 'x', dimensions: 1 }, 422, 'validation'],
  ['/rerank', { query: 'x', texts: [] }, 400, 'validation'],
  ['/similarity', { inputs: { source_sentence: 1, sentences: ['x'] } }, 422, 'validation'],
  ['/predict', { inputs: 'x' }, 424, 'backend'],
])('text-embeddings-inference: %s of %j is refused with its own error', async (route, body, status, error_type) => {
  const answer = await server.post(route, body);
  expect(answer).toMatchObject({ status, body: { error: expect.stringMatching(/\S/), error_type } });
});

test('clip-as-service: documents are encoded, in the ways of its client and of curl', async () => {
  const [picture, text] = await rowsOf(interrogator, { images: [APPLE], texts: ['a rocket'] });
  const data = [
    { id: 'a', blob: base64(APPLE), text: null },
    { id: 'b', text: 'a rocket' },
    { uri: `data:image/png;base64,${base64(APPLE)}` },
  ];
  for (const where of [
    {},
    { execEndpoint: '/' },
    { execEndpoint: '/encode/sample' },
    { header: { exec_endpoint: '/encode', request_id: 'q' } },
  ]) {
    const { body } = await server.post('/post', { data, ...where });
    expectRows(
      body.data.map(({ embedding }: { embedding: number[] }) => embedding),
      [picture, text, picture],
    );
    expect(body.data.map(({ embedding: _, ...rest }: { embedding: number[] }) => rest)).toEqual([
      { id: 'a' },
      { id: 'b', text: 'a rocket' },
      {},
    ]);
    if ('header' in where) expect(body.header.requestId).toBe('q');
  }
});

test('clip-as-service: matches are ranked, texts for a picture and pictures for a text', async () => {
  const [apple = [], rocket = [], fruit = []] = await rowsOf(interrogator, { images: [APPLE, ROCKET], texts: ['an apple'] });
  const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
  const data = [
    {
      text: 'an apple',
      matches: [
        { id: 'rocket', blob: base64(ROCKET) },
        { id: 'apple', blob: base64(APPLE) },
      ],
    },
  ];
  const { body } = await server.post('/post', { data, execEndpoint: '/rank' });
  const { matches } = body.data[0];
  expect(matches.map(({ id }: { id: string }) => id)).toEqual(['apple', 'rocket']);
  const [first, second] = matches.map(({ scores }: { scores: { clip_score: { value: number } } }) => scores.clip_score.value);
  expect(first + second).toBeCloseTo(1, 5);
  const scale = interrogator.logits.scale as number;
  expect(Math.log(first / second) / scale).toBeCloseTo(dot(apple, fruit) - dot(rocket, fruit), 5);
  expect(matches[0].scores.clip_score_cosine).toEqual({ value: expect.closeTo(dot(apple, fruit), 5), op_name: 'cosine' });
});

test.each([
  [404, { data: [{ text: 'x' }], execEndpoint: '/index' }],
  [404, { data: [{ text: 'x' }], execEndpoint: '/encode/nobody' }],
  [400, { data: [{}] }],
  [400, { data: [] }],
  [400, { data: [{ text: 'x' }], execEndpoint: '/rank' }],
  [422, { data: [{ blob: base64(Buffer.from('no picture at all')) }] }],
])('clip-as-service: %d in its own shape', async (status, body) => {
  const answer = await server.post('/post', body);
  expect(answer).toMatchObject({ status, body: { header: { status: { code: 'ERROR', description: expect.stringMatching(/\S/) } } } });
});

function immichForm(entries: unknown, { image, text }: { image?: Buffer; text?: string }): FormData {
  const form = new FormData();
  form.append('entries', JSON.stringify(entries));
  if (image) form.append('image', new Blob([image]));
  if (text !== undefined) form.append('text', text);
  return form;
}

test('Immich: features of a picture and of a text, as a JSON text', async () => {
  const [picture, text] = await rowsOf(interrogator, { images: [ROCKET], texts: ['a rocket'] });
  const visual = await server.post('/predict', immichForm({ clip: { visual: { modelName: 'sample', options: {} } } }, { image: ROCKET }));
  expectRows([JSON.parse(visual.body.clip)], [picture]);
  using decoded = await interrogator.imageToFeatures(ROCKET);
  expect(decoded.dim).toBe(interrogator.embedDim);
  expect(visual.body).toMatchObject({ imageWidth: ROCKET.readUInt32BE(16), imageHeight: ROCKET.readUInt32BE(20) });
  const textual = await server.post('/predict', immichForm({ clip: { textual: { modelName: 'sample' } } }, { text: 'a rocket' }));
  expectRows([JSON.parse(textual.body.clip)], [text]);
  expect(Object.keys(textual.body)).toEqual(['clip']);
  expect(await server.get('/ping')).toMatchObject({ status: 200, body: 'pong' });
});

test.each([
  ['neither picture nor text', { clip: { visual: { modelName: 'sample' } } }, {}, 400],
  ['a task that is not served', { 'facial-recognition': { detection: { modelName: 'buffalo_l' } } }, { image: APPLE }, 422],
  ['an unknown model', { clip: { visual: { modelName: 'ViT-B-999__nobody' } } }, { image: APPLE }, 404],
  ['a broken picture', { clip: { visual: { modelName: 'sample' } } }, { image: Buffer.from('no picture at all') }, 422],
  ['entries that are none', 'clip', { text: 'x' }, 400],
])('Immich: %s is refused in its own shape', async (_, entries, parts, status) => {
  const answer = await server.post('/predict', immichForm(entries, parts));
  expect(answer).toMatchObject({ status, body: { detail: expect.stringMatching(/\S/) } });
});
