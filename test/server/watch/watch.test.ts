import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { APPLE, base64, ROCKET, type Served, served } from '../served';

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
let server: Served;
const lines: string[] = [];

beforeAll(async () => {
  provider.register();
  server = await served({ logger: { level: 'trace', stream: { write: (line: string) => void lines.push(line) } } as never });
});
afterAll(async () => {
  await server.close();
  await provider.shutdown();
});

test('a request has spans of what happens in it, one after the other', async () => {
  exporter.reset();
  await server.post('/v1/interrogate', { image: base64(APPLE), modes: ['best'] });
  const spans = exporter.getFinishedSpans();
  expect(spans.map(({ name }) => name)).toEqual(['queue', 'decode', 'caption', 'image tower', 'chain']);
  for (const [i, span] of spans.slice(1).entries()) {
    const before = spans[i]?.endTime as [number, number];
    expect(span.startTime[0] * 1e9 + span.startTime[1]).toBeGreaterThanOrEqual(before[0] * 1e9 + before[1] - 2e6);
  }
});

/** The figure of this name, and of these labels. */
async function figure(name: string): Promise<number> {
  const { body } = await server.get('/metrics');
  const line = (body as string).split('\n').find((each) => each.startsWith(`${name} `) || each.startsWith(`${name}{`));
  return Number(line?.split(' ').at(-1));
}

test('figures go with what was asked', async () => {
  const counted = async (): Promise<number[]> => [
    await figure('te_request_duration_count'),
    await figure('te_request_inference_duration_count'),
    await figure('te_request_failure{err="ERR_IMAGE_FORMAT"}'),
  ];
  await server.post('/v1/interrogate', { image: base64(Buffer.from('no picture at all')), modes: ['fast'] });
  const before = await counted();
  await server.post('/v1/interrogate', { image: base64(ROCKET), modes: ['fast'] });
  await server.post('/v1/interrogate', { image: base64(Buffer.from('no picture at all')), modes: ['fast'] });
  const after = await counted();
  expect(after[0]).toBeGreaterThanOrEqual((before[0] as number) + 2);
  expect(after[1]).toBeGreaterThan(before[1] as number);
  expect(after[2]).toBe((before[2] as number) + 1);
  for (const name of [
    'te_queue_size',
    'te_in_flight',
    'te_request_refused',
    'te_batch_next_size',
    'torch_interrogator_device_busy_seconds',
  ]) {
    expect(await figure(name)).toBeGreaterThanOrEqual(0);
  }
});

test('each answer has its id and where its time went', async () => {
  const { headers } = await server.post('/v1/interrogate', { image: base64(ROCKET), modes: ['fast'] });
  expect(headers.get('x-request-id')).toMatch(/^[\w-]+$/);
  const timing = headers.get('server-timing') as string;
  for (const name of ['queue', 'load', 'tokenization', 'inference', 'total']) expect(timing).toMatch(new RegExp(`${name};dur=[\\d.]+`));
});

test('with --log-content texts are in the log, and pictures are not', async () => {
  const own: string[] = [];
  const other = await served({
    logContent: true,
    logger: { level: 'info', stream: { write: (line: string) => void own.push(line) } } as never,
  });
  const { body } = await other.post('/v1/interrogate', { image: base64(ROCKET), caption: 'a wish', modes: ['fast'] });
  const asked = { image: base64(ROCKET), modes: ['fast'] };
  await other.post('/v1/interrogate', { ...asked, caption: 'a streamed wish' }, { headers: { accept: 'text/event-stream' } });
  const { body: job } = await other.post(
    '/v1/interrogate',
    { ...asked, caption: 'a later wish' },
    { headers: { prefer: 'respond-async' } },
  );
  while ((await other.get(`/v1/jobs/${job.id}`)).body.state === 'running');
  await other.close();
  const told = (wish: string): number => own.filter((line) => line.includes(wish) && line.includes('descriptions')).length;
  expect(['a wish', 'a streamed wish', 'a later wish'].map(told)).toEqual([1, 1, expect.any(Number)]);
  expect(told('a later wish')).toBeGreaterThan(0);
  expect(own.join('')).toContain(body.descriptions[0].prompt.slice(0, 40));
  expect(own.join('')).not.toContain(base64(ROCKET).slice(0, 100));
});

test('neither pictures nor texts are in the log', async () => {
  const secret = 'a very private caption';
  const answer = await server.post('/v1/interrogate?query=secretquery', {
    image: base64(ROCKET),
    caption: secret,
    include: ['a private term'],
    modes: ['fast'],
  });
  await server.post('/v1/rank', { image: base64(ROCKET), labels: ['a private label'] });
  await server.post('/v1/interrogate', { image: 'privateimage!', modes: ['fast'] });
  const log = lines.join('');
  expect(log).toContain(answer.headers.get('x-request-id') as string);
  for (const text of [secret, 'a private term', 'a private label', 'secretquery', 'privateimage', base64(ROCKET).slice(0, 200)])
    expect(log).not.toContain(text);
  expect(log).toContain('/v1/interrogate');
});
