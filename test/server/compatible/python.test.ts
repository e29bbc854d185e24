/** The clients in Python, as people call them. */
import path from 'node:path';
import { Interrogator } from '../../../lib';
import { Clients } from '../clients/clients';
import { APPLE, base64, IMAGES, ROCKET, type Served, served } from '../served';
import { expectRows, rowsOf } from './rows';

const KEY = 'the right key';
const FILE = path.join(IMAGES, 'rocket.png');

let server: Served;
let interrogator: Interrogator;
let clients: Clients;

beforeAll(async () => {
  clients = new Clients();
  server = await served({ apiKey: [KEY] });
  interrogator = await Interrogator.create({ clipModelName: 'sample', captionModelName: 'sample', cachePath: null, quiet: true });
});
afterAll(async () => {
  clients.end();
  await server.close();
  await interrogator.dispose();
});

const url = (bytes: Buffer): string => `data:image/png;base64,${base64(bytes)}`;

test('openai: embeddings are those of the library', async () => {
  const texts = ['an apple', '日本語'];
  const { rows, tokens } = await clients.ask<{ rows: number[][]; tokens: number }>('openai_embeddings', server.url, KEY, 'sample', texts);
  expectRows(rows, await rowsOf(interrogator, { texts }));
  expect(tokens).toBe((await interrogator.countTokens('an apple')) + (await interrogator.countTokens('日本語')));
});

test('openai: a chat answers with the prompt, whole and as a stream', async () => {
  for (const mode of ['best', 'fast', 'negative'] as const) {
    const { prompt } = await interrogator.describe(APPLE, { mode });
    for (const call of ['openai_chat', 'openai_chat_stream']) {
      expect(await clients.ask(call, server.url, KEY, `sample#${mode}`, url(APPLE))).toBe(prompt);
    }
  }
});

test('openai: the list of models', async () => {
  expect(await clients.ask('openai_models', server.url, KEY)).toContain('sample');
});

test('huggingface_hub: image to text and zero-shot image classification', async () => {
  const endpoint = `${server.url}/hf/sample`;
  const caption = await interrogator.generateCaption(ROCKET);
  expect(await clients.ask('hugging_face_image_to_text', endpoint, KEY, FILE)).toBe(caption);
  expect(await clients.ask('hugging_face_bytes_to_text', endpoint, KEY, FILE)).toBe(caption);
  const labels = ['an apple', 'a rocket', 'a cat'];
  for (const template of [null, 'a drawing of {}']) {
    const ranked = await clients.ask<{ label: string; score: number }[]>('hugging_face_classify', endpoint, KEY, FILE, labels, template);
    const { body } = await server.post(
      '/v1/rank',
      { image: base64(ROCKET), labels, template: template ?? 'This is a photo of {}.', scores: 'probability' },
      { headers: { authorization: `Bearer ${KEY}` } },
    );
    const wanted = body.results[0].ranked.map(({ label, probability }: { label: string; probability: number }) => ({
      label,
      score: probability,
    }));
    expect(ranked).toEqual(wanted);
  }
});

test('webuiapi: interrogate is the classic prompt', async () => {
  // The client sends the picture as a PNG of its own.
  const { prompt } = await interrogator.describe(ROCKET, { mode: 'classic' });
  expect(await clients.ask('webui_interrogate', server.url, KEY, FILE, 'clip')).toBe(prompt);
  expect(await clients.ask('webui_interrogate_text', server.url, KEY, base64(ROCKET))).toBe(prompt);
});

test('clip-client: encode and rank', async () => {
  const [picture = [], ...texts] = await rowsOf(interrogator, { images: [ROCKET], texts: ['a rocket', 'an apple'] });
  const rows = await clients.ask<number[][]>('clip_client_encode', server.url, KEY, ['a rocket', FILE, 'an apple']);
  expectRows(rows, [texts[0], picture, texts[1]]);

  const ranked = await clients.ask<{ text: string; probability: number; cosine: number }[]>('clip_client_rank', server.url, KEY, FILE, [
    'an apple',
    'a rocket',
  ]);
  expect(ranked.map(({ text }) => text)).toEqual(['a rocket', 'an apple']);
  for (const [i, { cosine, probability }] of ranked.entries()) {
    const wanted = picture.reduce((sum, x, at) => sum + x * (texts[i]?.[at] as number), 0);
    expect(cosine).toBeCloseTo(wanted, 5);
    const others = ranked.map((each) => Math.exp((interrogator.logits.scale as number) * (each.cosine - cosine)));
    expect(probability).toBeCloseTo(1 / others.reduce((sum, each) => sum + each, 0), 5);
  }
});

const BROKEN = Buffer.from('no picture at all');

test.each<[string, string, RegExp, unknown[]]>([
  ['NotFoundError', 'openai_embeddings', /404 - There is no CLIP model named nobody/, ['nobody', ['x']]],
  ['UnprocessableEntityError', 'openai_chat', /422 - \w/, ['sample', url(BROKEN)]],
  ['UnprocessableEntityError', 'openai_chat_stream', /422 - \w/, ['sample', url(BROKEN)]],
  ['RuntimeError', 'webui_interrogate_text', /422.*HTTPException/s, [base64(BROKEN)]],
  ['RuntimeError', 'webui_interrogate_text', /404.*Image not found/s, ['']],
  ['RuntimeError', 'webui_interrogate', /404.*Model not found/s, [FILE, 'deepdanbooru']],
  ['ValueError', 'clip_client_encode', /status.*ERROR.*description/s, [[`data:image/png;base64,${base64(BROKEN)}`]]],
])("what is refused is the client's own %s: %s", async (name, call, message, args) => {
  await expect(clients.ask(call, server.url, KEY, ...args)).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
});

test("huggingface_hub: what is refused is the client's own HfHubHTTPError", async () => {
  const broken = path.join(IMAGES, 'ATTRIBUTION.md');
  for (const [endpoint, file, message] of [
    ['/hf/some/body', FILE, /404/],
    ['/hf/sample', broken, /422/],
  ] as const) {
    await expect(clients.ask('hugging_face_bytes_to_text', server.url + endpoint, KEY, file)).rejects.toMatchObject({
      name: 'HfHubHTTPError',
      message: expect.stringMatching(message),
    });
  }
});

test.each<[string, string, string, unknown[]]>([
  ['AuthenticationError', 'openai_embeddings', '', ['sample', ['x']]],
  ['HfHubHTTPError', 'hugging_face_image_to_text', '/hf/sample', [FILE]],
  ['RuntimeError', 'webui_interrogate', '', [FILE, 'clip']],
  ['ValueError', 'clip_client_encode', '', [['x']]],
])("a wrong key is the client's own %s: %s", async (name, call, route, args) => {
  await expect(clients.ask(call, server.url + route, 'wrong', ...args)).rejects.toMatchObject({ name });
});
