/** Whatever is wrong with a request, in no dialect is the answer a 200 or the server's own fault, and its shape is the dialect's. */
import { mulberry32 } from '../../support/images';
import { base64, ROCKET, type Served, served } from '../served';

let server: Served;

beforeAll(async () => {
  server = await served();
});
afterAll(() => server.close());

const said = expect.stringMatching(/\S/);
const SHAPES = {
  detail: { detail: said },
  a1111: { error: 'HTTPException', detail: said, body: '', errors: said },
  openai: { error: { message: said, type: said, param: null, code: said } },
  error: { error: said, error_type: said },
  post: { header: { requestId: said, status: { code: 'ERROR', description: said } } },
};

interface Given {
  image: string;
  model: string;
}

const parts = ({ image }: Given) => [{ role: 'user', content: [{ type: 'image_url', image_url: { url: image } }] }];

/** A route and a body that it answers. */
const ROUTES: [string, keyof typeof SHAPES, (given: Given) => Record<string, unknown>][] = [
  ['/interrogator/prompt', 'detail', ({ image, model }) => ({ image, clip_model_name: model, mode: 'caption' })],
  ['/interrogator/analyze', 'detail', ({ image, model }) => ({ image, clip_model_name: model })],
  ['/sdapi/v1/interrogate', 'a1111', ({ image, model }) => ({ image, model })],
  ['/sdapi/v1/openclip', 'a1111', ({ image, model }) => ({ image, clip_model: model, blip_model: 'sample', mode: 'caption' })],
  ['/sdapi/v1/caption', 'a1111', ({ image, model }) => ({ image, backend: 'openclip', clip_model: model, mode: 'caption' })],
  ['/v1/embeddings', 'openai', ({ image, model }) => ({ model, input: [image], modality: 'image' })],
  ['/v1/embeddings', 'openai', (given) => ({ model: given.model, messages: parts(given) })],
  ['/v1/embeddings', 'openai', ({ image, model }) => ({ model, input: [{ text: 'a' }, { image }] })],
  ['/v1/chat/completions', 'openai', (given) => ({ model: `${given.model}#fast`, messages: parts(given) })],
  ['/v1/chat/completions', 'openai', (given) => ({ model: `${given.model}#fast`, messages: parts(given), stream: true })],
  ['/v1/classify', 'openai', ({ image, model }) => ({ model, input: [{ image }], labels: ['a', 'b'] })],
  ['/hf/sample', 'error', ({ image }) => ({ inputs: image })],
  [
    '/hf/sample',
    'error',
    ({ image }) => ({ inputs: { image }, parameters: { candidate_labels: ['a', 'b'], hypothesis_template: 'a {}' } }),
  ],
  ['/post', 'post', ({ image, model }) => ({ data: [{ blob: image }], execEndpoint: `/encode/${model}` })],
  ['/post', 'post', ({ image }) => ({ data: [{ text: 'a', matches: [{ uri: image }] }], execEndpoint: '/rank' })],
  ['/embed', 'error', () => ({ inputs: ['a', 'b'] })],
  ['/rerank', 'error', () => ({ query: 'a', texts: ['b'] })],
  ['/similarity', 'error', () => ({ inputs: { source_sentence: 'a', sentences: ['b'] } })],
];

const GOOD: Given = { image: `data:image/png;base64,${base64(ROCKET)}`, model: 'sample' };
const takesPicture = (body: (given: Given) => unknown): boolean => JSON.stringify(body({ ...GOOD, image: 'mark' })).includes('mark');

test.each(ROUTES)('%s answers a good request', async (route, _, body) => {
  expect(await server.post(route, body(GOOD))).toMatchObject({ status: 200 });
});

async function expectRefused(route: string, shape: keyof typeof SHAPES, body: unknown): Promise<void> {
  const answer = await server.post(route, body);
  const about = JSON.stringify(body)?.slice(0, 300);
  expect({ about, ...answer }).toMatchObject({ about, status: expect.any(Number), body: SHAPES[shape] });
  expect({ about, isRefused: answer.status >= 400 && answer.status < 500 }).toEqual({ about, isRefused: true });
}

test.each(ROUTES.filter(([, , body]) => takesPicture(body)))('%s refuses every picture that is none', async (route, shape, body) => {
  const random = mulberry32(7);
  const noise = Buffer.from(Array.from({ length: 60_000 }, () => Math.floor(random() * 256)));
  const broken = [
    '',
    'no Base64!',
    '\u0000file:0',
    '\u0000long:3',
    `picture:${'0'.repeat(64)}`,
    'http://127.0.0.1:1/a.png',
    'https://example.org/a.png',
    'data:image/png,abc',
    'data:image/png;base64,',
    base64(ROCKET.subarray(0, 40)),
    base64(noise.subarray(0, 100)),
    `data:image/png;base64,${base64(noise)}`,
    base64(Buffer.concat([ROCKET.subarray(0, 8), noise])),
  ];
  for (const image of broken) await expectRefused(route, shape, body({ ...GOOD, image }));
});

test.each(ROUTES)('%s refuses a number in the place of any text, and a body cut short', async (route, shape, body) => {
  const good = body(GOOD);
  for (const path of leavesOf(good)) await expectRefused(route, shape, replaced(good, path, 12));
  for (const path of leavesOf(good)) await expectRefused(route, shape, replaced(good, path, { deep: [12] }));

  const random = mulberry32(route.length);
  const whole = JSON.stringify(good);
  for (let i = 0; i < 20; i += 1) {
    const text = whole.slice(0, Math.floor(random() * whole.length));
    const response = await fetch(server.url + route, { method: 'POST', body: text, headers: { 'content-type': 'application/json' } });
    expect({ length: text.length, status: response.status }).toEqual({ length: text.length, status: expect.any(Number) });
    expect([400, 413, 422]).toContain(response.status);
    expect(await response.json()).toMatchObject(SHAPES[shape]);
  }
});

test.each(ROUTES.filter(([, , body]) => JSON.stringify(body({ ...GOOD, model: 'a mark' })).includes('a mark')))(
  '%s refuses models that are not there',
  async (route, shape, body) => {
    for (const model of ['nobody', '../../etc/passwd', 'ViT-L-14', 'sample/', '\u0000', '__proto__']) {
      await expectRefused(route, shape, body({ ...GOOD, model }));
    }
  },
);

test.each(ROUTES)('%s refuses types of bodies that it does not read', async (route, shape) => {
  for (const type of ['text/html', 'application/xml', 'text/plain']) {
    const response = await fetch(server.url + route, { method: 'POST', body: 'x', headers: { 'content-type': type } });
    expect({ type, status: response.status }).toEqual({ type, status: 415 });
    expect(await response.json()).toMatchObject(SHAPES[shape]);
  }
});

test('a server that ends says so in every shape, and when to come back', async () => {
  const ending = await served();
  await ending.app.interrogator.drain(0);
  try {
    for (const [route, shape, body] of ROUTES) {
      const { status, headers, body: error } = await ending.post(route, body(GOOD));
      expect({ route, status, error }).toEqual({ route, status: 503, error: expect.objectContaining(SHAPES[shape]) });
      expect(headers.get('retry-after')).toBe('5');
    }
    expect(await ending.get('/health')).toMatchObject({ status: 503, body: { error_type: 'unhealthy' } });
  } finally {
    await ending.close();
  }
});

type Path = (string | number)[];

/** Where the texts of a body are. */
function leavesOf(value: unknown, path: Path = []): Path[] {
  if (typeof value === 'string') return [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, [...path, name]));
}

function replaced(value: unknown, [name, ...rest]: Path, leaf: unknown): unknown {
  if (name === undefined) return leaf;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string | number, unknown>;
  copy[name] = replaced(copy[name], rest, leaf);
  return copy;
}
