import { type Interrogator, MODES } from '../../../lib';
import { APPLE, base64, eventsOf, ROCKET, type Served, servedBesideLibrary } from '../served';

let server: Served;
let interrogator: Interrogator;

servedBesideLibrary((both) => {
  ({ server, interrogator } = both);
});

const WAYS: Record<
  string,
  (bytes: Buffer, fields: Record<string, unknown>) => Promise<{ status: number; body: { [field: string]: unknown } }>
> = {
  'Base64 in JSON': (bytes, fields) => server.post('/v1/interrogate', { image: base64(bytes), ...fields }),
  'a data: URL': (bytes, fields) => server.post('/v1/interrogate', { image: `data:image/png;base64,${base64(bytes)}`, ...fields }),
  'a form': (bytes, fields) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, typeof value === 'string' ? value : JSON.stringify(value));
    form.append('image', new Blob([bytes], { type: 'image/png' }), 'x.png');
    return server.post('/v1/interrogate', form);
  },
  'a body by itself': (bytes, fields) => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(fields)) for (const each of [value].flat()) query.append(name, String(each));
    return server.post(`/v1/interrogate?${query}`, bytes, { headers: { 'content-type': 'image/png' } });
  },
};

test.each(Object.keys(WAYS))('all modes of a picture as %s are those of the library', async (way) => {
  const send = WAYS[way] as (typeof WAYS)[string];
  for (const bytes of [APPLE, ROCKET]) {
    const { status, body } = await send(bytes, { modes: [...MODES], termCount: 4, similarities: true, maxFlavors: 6 });
    expect(status).toBe(200);
    const wanted = await interrogator.describeModes(bytes, { modes: MODES, termCount: 4, maxFlavors: 6 });
    wanted.features.close();
    const descriptions = body.descriptions as { mode: string; prompt: string; similarity: number; tokens: number }[];
    expect(descriptions.map(({ mode, prompt }) => ({ mode, prompt }))).toEqual(
      wanted.descriptions.map(({ mode, prompt }) => ({ mode, prompt })),
    );
    for (const [i, each] of wanted.descriptions.entries()) {
      expect(descriptions[i]?.similarity).toBeCloseTo(each.similarity as number, 4);
      expect(descriptions[i]?.tokens).toBe(await interrogator.countTokens(each.prompt));
    }
    expect(body.caption).toBe(wanted.caption);
    expect(Object.keys(body.terms as object).sort()).toEqual(Object.keys(wanted.terms).sort());
    expect(body.picture).toMatchObject({ width: 512, height: 512 });
  }
});

test('a picture that was seen is asked for by its id, and encoded and captioned once', async () => {
  const first = await server.post('/v1/interrogate', { image: base64(APPLE), modes: ['fast'] });
  const before = server.app.interrogator.parts.stations.first.host.deviceStats?.completed as number;
  const again = await server.post('/v1/interrogate', { image: `picture:${first.body.picture.id}`, modes: ['fast'] });
  expect(again.body.descriptions).toEqual(first.body.descriptions);
  const after = server.app.interrogator.parts.stations.first.host.deviceStats?.completed as number;
  // The ranking alone.
  expect(after - before).toBeLessThanOrEqual(2);
  const unknown = await server.post('/v1/interrogate', { image: `picture:${'0'.repeat(64)}`, modes: ['fast'] });
  expect(unknown).toMatchObject({ status: 404, body: { code: 'ERR_PICTURE_FORGOTTEN' } });
});

test('terms are banned and pinned', async () => {
  const plain = await server.post('/v1/interrogate', { image: base64(APPLE), modes: ['fast'], maxFlavors: 4 });
  const [, , , , term] = plain.body.descriptions[0].prompt.split(', ');
  const { body } = await server.post('/v1/interrogate', {
    image: base64(APPLE),
    modes: ['fast', 'best'],
    maxFlavors: 4,
    exclude: [term],
    include: ['pinned to the wall'],
  });
  for (const { prompt } of body.descriptions) {
    expect(prompt.split(', ')).toContain('pinned to the wall');
    expect(prompt.split(', ')).not.toContain(term);
  }
});

test('a prompt is taken apart, and its parts add up', async () => {
  const { body } = await server.post('/v1/interrogate', { image: base64(ROCKET), modes: ['classic', 'fast', 'best'], explain: true });
  using features = await interrogator.imageToFeatures(ROCKET);
  for (const { prompt, parts, similarity } of body.descriptions) {
    expect(parts[0].text).toBe(body.caption);
    const sum = parts.reduce((so: number, { gain }: { gain: number }) => so + gain, 0);
    expect(sum).toBeCloseTo(similarity, 4);
    expect(similarity).toBeCloseTo(await interrogator.similarity(features, prompt), 4);
    for (const { text, similarity: own } of parts.slice(0, 3)) expect(own).toBeCloseTo(await interrogator.similarity(features, text), 4);
  }
});

test('events tell how the prompt grows, then the result', async () => {
  const { status, headers, body } = await server.post(
    '/v1/interrogate',
    { image: base64(APPLE), modes: ['best'] },
    { headers: { accept: 'text/event-stream' } },
  );
  expect(status).toBe(200);
  expect(headers.get('content-type')).toContain('text/event-stream');
  const events = eventsOf(body);
  const chain = events.filter(({ event, data }) => event === 'progress' && data.stage === 'chain');
  expect(chain.length).toBeGreaterThan(1);
  for (const { data } of chain) expect(data.prompt).toEqual(expect.any(String));
  const last = events.at(-1);
  expect(last?.event).toBe('result');
  const plain = await server.post('/v1/interrogate', { image: base64(APPLE), modes: ['best'] });
  expect(last?.data.descriptions).toEqual(plain.body.descriptions);
});

test('an error has its own status, also of those who wait for events', async () => {
  for (const accept of ['application/json', 'text/event-stream']) {
    const headers = { accept };
    const broken = await server.post('/v1/interrogate', { image: base64(APPLE.subarray(0, 5000)), modes: ['fast'] }, { headers });
    expect(broken).toMatchObject({ status: 422, body: { code: 'ERR_IMAGE_TRUNCATED' } });
    expect(broken.headers.get('content-type')).toContain('application/problem+json');
    const unknown = await server.post('/v1/interrogate', { image: base64(APPLE), clipModelName: 'ViT-B-32/nobody' }, { headers });
    expect(unknown).toMatchObject({ status: 404, body: { code: 'ERR_MODEL_UNKNOWN' } });
  }
});

test.each([
  ['nothing', {}, 'ERR_BODY_INVALID'],
  ['a number as a picture', { image: 5 }, 'ERR_BODY_INVALID'],
  ['an empty picture', { image: '' }, 'ERR_BODY_INVALID'],
  ['what is no Base64', { image: '!' }, 'ERR_IMAGE_ENCODING'],
  ['an unknown mode', { image: 'AA==', modes: ['worst'] }, 'ERR_BODY_INVALID'],
  ['no mode', { image: 'AA==', modes: [] }, 'ERR_BODY_INVALID'],
  ['fewer terms than none', { image: 'AA==', maxFlavors: -1 }, 'ERR_BODY_INVALID'],
  ['an unknown field', { image: 'AA==', maxFlavor: 3 }, 'ERR_BODY_INVALID'],
  ['NUL in a caption', { image: 'AA==', caption: 'a\u0000b' }, 'ERR_BODY_INVALID'],
  ['a caption of 200,000 characters', { image: 'AA==', caption: 'x'.repeat(200_000) }, 'ERR_BODY_INVALID'],
  ['a data: URL that is no Base64', { image: 'data:image/png,abc' }, 'ERR_BODY_INVALID'],
  ['a list', [], 'ERR_BODY_INVALID'],
])('%s is refused with 400', async (_, body, code) => {
  expect(await server.post('/v1/interrogate', body)).toMatchObject({ status: 400, body: { code } });
});

test('captions are as they are asked for', async () => {
  for (const wishes of [{}, { captionMaxLength: 4 }, { numBeams: 3 }, { captionPrompt: 'a picture of' }]) {
    const { status, body } = await server.post('/v1/caption', { image: base64(APPLE), ...wishes });
    expect(status).toBe(200);
    expect(body.caption).toBe(await interrogator.generateCaption(APPLE, wishes));
  }
});

test('a client that leaves cancels its work', async () => {
  const abort = new AbortController();
  const { queue, host } = server.app.interrogator.parts.stations.first;
  const aborted = (): number => host.anyInterrogator?.stats().calls.aborted as number;
  const before = aborted();
  const asked = fetch(`${server.url}/v1/interrogate?modes=best&minFlavors=1000&maxFlavors=1000&caption=zzz`, {
    method: 'POST',
    body: new Uint8Array(ROCKET),
    headers: { 'content-type': 'image/png', accept: 'text/event-stream' },
    signal: abort.signal,
  });
  const reader = ((await asked).body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  abort.abort();
  await reader.read().catch(() => {});
  for (let i = 0; i < 200 && (queue.counts.running > 0 || aborted() === before); i += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  expect(queue.counts).toMatchObject({ running: 0, waiting: 0 });
  expect(aborted()).toBe(before + 1);
});

test('a long call can be a job', async () => {
  const started = await server.post(
    '/v1/interrogate',
    { image: base64(ROCKET), modes: ['best'] },
    { headers: { prefer: 'respond-async' } },
  );
  expect(started.status).toBe(202);
  // Relative to what was asked.
  const address = new URL(started.headers.get('location') as string, `${server.url}/v1/interrogate`).pathname;
  expect(address).toBe(`/v1/jobs/${started.body.id}`);
  const events = eventsOf((await server.get(`${address}/events`)).body);
  expect(events.at(-1)?.event).toBe('end');
  const { body } = await server.get(address);
  expect(body.state).toBe('done');
  const plain = await server.post('/v1/interrogate', { image: base64(ROCKET), modes: ['best'] });
  expect(body.result.descriptions).toEqual(plain.body.descriptions);
  expect((await server.get('/v1/jobs')).body.jobs.map(({ id }: { id: string }) => id)).toContain(started.body.id);
  expect((await server.get('/v1/jobs/none')).status).toBe(404);
});

test('a job is cancelled', async () => {
  const started = await server.post(
    '/v1/interrogate',
    { image: base64(ROCKET), modes: ['best'], minFlavors: 1000, maxFlavors: 1000, caption: 'another' },
    { headers: { prefer: 'respond-async' } },
  );
  const { body } = await server.get(`/v1/jobs/${started.body.id}`, { method: 'DELETE' });
  expect(body.state).toBe('cancelled');
});
