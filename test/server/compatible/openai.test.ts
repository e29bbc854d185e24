import OpenAI, { APIError, AuthenticationError, BadRequestError, NotFoundError, UnprocessableEntityError } from 'openai';
import { Interrogator, MODES, type Mode } from '../../../lib';
import { APPLE, base64, ROCKET, type Served, served } from '../served';
import { expectRows, rowsOf } from './rows';

let server: Served;
let interrogator: Interrogator;
let client: OpenAI;

beforeAll(async () => {
  server = await served();
  interrogator = await Interrogator.create({ clipModelName: 'sample', captionModelName: 'sample', cachePath: null, quiet: true });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'any', maxRetries: 0 });
});
afterAll(async () => {
  await server.close();
  await interrogator.dispose();
});

const url = (bytes: Buffer): string => `data:image/png;base64,${base64(bytes)}`;
const messages = (bytes: Buffer, text?: string): OpenAI.ChatCompletionMessageParam[] => [
  {
    role: 'user',
    content: [
      { type: 'image_url' as const, image_url: { url: url(bytes) } },
      ...(text === undefined ? [] : [{ type: 'text' as const, text }]),
    ],
  },
];

const TEXTS = ['an apple on a table', 'a rocket', '日本語 🍎', ''];

test.each(['float', 'base64', undefined] as const)(
  'embeddings of texts in encoding %s are those of the library',
  async (encoding_format) => {
    const wanted = await rowsOf(interrogator, { texts: TEXTS });
    const answer = await client.embeddings.create({ model: 'sample', input: TEXTS, ...(encoding_format && { encoding_format }) });
    const rows = answer.data.map(({ embedding }) =>
      typeof embedding === 'string' ? [...new Float32Array(new Uint8Array(Buffer.from(embedding, 'base64')).buffer)] : embedding,
    );
    expectRows(rows, wanted);
    expect(answer.data.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    const counts = await Promise.all(TEXTS.map((text) => interrogator.countTokens(text)));
    const tokens = counts.reduce((sum, count) => sum + count, 0);
    expect(tokens).toBeGreaterThan(8);
    expect(answer.usage).toEqual({ prompt_tokens: tokens, total_tokens: tokens });
  },
);

test('one text is a list of one', async () => {
  const { data } = await client.embeddings.create({ model: 'sample', input: 'a rocket' });
  expectRows(
    data.map(({ embedding }) => embedding),
    await rowsOf(interrogator, { texts: ['a rocket'] }),
  );
});

test('pictures are embedded in the ways of Infinity, vLLM and Jina', async () => {
  const [apple, rocket] = await rowsOf(interrogator, { images: [APPLE, ROCKET] });
  const [text] = await rowsOf(interrogator, { texts: ['a rocket'] });
  const bodies: [object, (number[] | undefined)[]][] = [
    [{ model: 'sample', modality: 'image', input: [url(APPLE), url(ROCKET)] }, [apple, rocket]],
    [{ model: 'sample', modality: 'image', input: url(ROCKET) }, [rocket]],
    [{ messages: messages(ROCKET), encoding_format: 'float' }, [rocket]],
    [{ messages: [{ role: 'user', content: 'a rocket' }] }, [text]],
    [
      { input: [{ image: base64(ROCKET) }, { text: 'a rocket' }, { image: url(APPLE) }, 'a rocket'], normalized: true },
      [rocket, text, apple, text],
    ],
  ];
  for (const [body, wanted] of bodies) {
    const answer = await server.post('/v1/embeddings', body);
    expect(answer.status).toBe(200);
    expectRows(
      answer.body.data.map((each: { embedding: number[] }) => each.embedding),
      wanted,
    );
  }
});

test('dimensions may be the ones that the model has', async () => {
  const { data } = await client.embeddings.create({ model: 'sample', input: 'x', dimensions: interrogator.embedDim });
  expect(data[0]?.embedding).toHaveLength(interrogator.embedDim);
  const other = client.embeddings.create({ model: 'sample', input: 'x', dimensions: interrogator.embedDim - 1 });
  await expect(other).rejects.toMatchObject({ status: 400, message: expect.stringContaining(`${interrogator.embedDim} dimensions`) });
});

test.each(MODES)('a chat in mode %s answers with the prompt, whole and as a stream', async (mode) => {
  const wanted = (await interrogator.describe(ROCKET, { mode })).prompt;
  const tokens = await interrogator.countTokens(wanted);
  for (const request of [
    { model: `sample#${mode}`, messages: messages(ROCKET) },
    { model: 'sample', messages: messages(ROCKET, `Mode: ${mode}.`) },
    { model: 'sample#fast', messages: [{ role: 'system' as const, content: mode }, ...messages(ROCKET, 'What is this?')] },
  ]) {
    const answer = await client.chat.completions.create(request);
    expect(answer.choices[0]?.message).toEqual({ role: 'assistant', content: wanted, refusal: null });
    expect(answer.usage).toEqual({ prompt_tokens: 0, completion_tokens: tokens, total_tokens: tokens });
    const stream = await client.chat.completions.create({ ...request, stream: true, stream_options: { include_usage: true } });
    const parts: string[] = [];
    const ends: (string | null)[] = [];
    let usage: unknown;
    for await (const { choices, usage: told } of stream) {
      parts.push(...choices.flatMap(({ delta }) => delta.content ?? []));
      ends.push(...choices.map(({ finish_reason }) => finish_reason));
      usage = told;
    }
    expect(parts.join('')).toBe(wanted);
    expect(ends.filter(Boolean)).toEqual(['stop']);
    expect(usage).toEqual(answer.usage);
  }
});

test('a stream begins with the caption, and goes on with terms as the chain finds them', async () => {
  for (const bytes of [APPLE, ROCKET]) {
    const stream = await client.chat.completions.create({ model: 'sample', messages: messages(bytes), stream: true });
    const parts: string[] = [];
    for await (const { choices } of stream) parts.push(...choices.flatMap(({ delta }) => delta.content || []));
    const { prompt, caption } = await interrogator.describe(bytes);
    expect(parts[0]).toBe(caption);
    expect(parts.join('')).toBe(prompt);
    expect(parts.length).toBeGreaterThan(3);
    // Each goes on where a term begins.
    for (const part of parts.slice(1)) expect(part).toMatch(/^,? /);
  }
});

test('without a mode a chat is best mode; the last picture counts', async () => {
  const wanted: Partial<Record<Mode, string>> = { best: (await interrogator.describe(APPLE)).prompt };
  const request = { model: 'sample', messages: [...messages(ROCKET), ...messages(APPLE, 'Describe this picture for me, fast or not.')] };
  const answer = await client.chat.completions.create(request);
  expect(answer.choices[0]?.message.content).toBe(wanted.best);
});

test('labels are classified as the library ranks them', async () => {
  const labels = ['an apple', 'a rocket', 'a cat'];
  const { body } = await server.post('/v1/classify', { input: [{ image: base64(APPLE) }, { text: 'a rocket' }], labels });
  const [picture] = await rowsOf(interrogator, { images: [APPLE] });
  const [text, ...rows] = await rowsOf(interrogator, { texts: ['a rocket', ...labels] });
  for (const [i, query] of [picture, text].entries()) {
    const logits = rows.map(
      (row) => (interrogator.logits.scale as number) * row.reduce((sum, x, at) => sum + x * (query?.[at] as number), 0),
    );
    const sum = logits.reduce((so, logit) => so + Math.exp(logit), 0);
    const wanted = labels.map((label, at) => ({ label, score: Math.exp(logits[at] as number) / sum }));
    wanted.sort((a, b) => b.score - a.score);
    const { prediction, score, predictions } = body.data[i];
    expect({ prediction, score }).toEqual({ prediction: predictions[0].label, score: predictions[0].score });
    expect(predictions.map((each: { label: string }) => each.label)).toEqual(wanted.map(({ label }) => label));
    for (const [at, each] of predictions.entries()) expect(each.score).toBeCloseTo(wanted[at]?.score as number, 4);
  }
});

test('the list of models is read by the client', async () => {
  const ids: string[] = [];
  for await (const { id } of client.models.list()) ids.push(id);
  expect(ids).toContain('sample');
  expect((await client.models.retrieve('sample')).object).toBe('model');
});

const BROKEN = Buffer.from('no picture at all');

test.each<[string, () => Promise<unknown>, new (...args: never[]) => APIError, string]>([
  ['an unknown model', () => client.embeddings.create({ model: 'nobody', input: 'x' }), NotFoundError, 'model_not_found'],
  [
    'an unknown model of a chat',
    () => client.chat.completions.create({ model: 'x/y', messages: messages(APPLE) }),
    NotFoundError,
    'model_not_found',
  ],
  [
    'an unknown mode',
    () => client.chat.completions.create({ model: 'sample#x', messages: messages(APPLE) }),
    NotFoundError,
    'model_not_found',
  ],
  ['token ids', () => client.embeddings.create({ model: 'sample', input: [1, 2] }), BadRequestError, 'ERR_BODY_INVALID'],
  ['lists of token ids', () => client.embeddings.create({ model: 'sample', input: [[1], [2]] }), BadRequestError, 'ERR_BODY_INVALID'],
  ['a data: URL as a text', () => client.embeddings.create({ model: 'sample', input: url(APPLE) }), BadRequestError, 'ERR_BODY_INVALID'],
  [
    'a chat without a picture',
    () => client.chat.completions.create({ model: 'sample', messages: [{ role: 'user', content: 'hi' }] }),
    BadRequestError,
    'ERR_BODY_INVALID',
  ],
  [
    'a broken picture',
    () => client.chat.completions.create({ model: 'sample', messages: messages(BROKEN) }),
    UnprocessableEntityError,
    'ERR_IMAGE_FORMAT',
  ],
  [
    'a broken picture of a stream',
    () => client.chat.completions.create({ model: 'sample', messages: messages(BROKEN), stream: true }),
    UnprocessableEntityError,
    'ERR_IMAGE_FORMAT',
  ],
])("%s is the client's own error", async (_, ask, type, code) => {
  const error = await ask().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(APIError);
  expect(error).toBeInstanceOf(type);
  expect(error).toMatchObject({ code, requestID: expect.stringMatching(/\S/) });
});

test("a wrong key is the client's own error", async () => {
  const locked = await served({ apiKey: ['right'] });
  try {
    const embed = (apiKey: string) =>
      new OpenAI({ baseURL: `${locked.url}/v1`, apiKey, maxRetries: 0 }).embeddings.create({ model: 'sample', input: 'x' });
    await expect(embed('wrong')).rejects.toThrow(AuthenticationError);
    expect((await embed('right')).data).toHaveLength(1);
  } finally {
    await locked.close();
  }
});
