/** The spans of a request below those of @fastify/otel. */
import { FastifyOtelInstrumentation } from '@fastify/otel';
import { InMemorySpanExporter, NodeTracerProvider, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import Fastify from 'fastify';
import { interrogatorPlugin } from '../../../lib/server';
import { base64, ROCKET, type Served, served } from '../served';

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
let instrumentation: FastifyOtelInstrumentation;
beforeAll(() => provider.register());
afterAll(() => provider.shutdown());
beforeEach(() => exporter.reset());
afterEach(() => instrumentation.disable());

/** What a span is below, up to the span of the request. */
function above(span: ReadableSpan): ReadableSpan[] {
  const parent = exporter.getFinishedSpans().find((each) => each.spanContext().spanId === span.parentSpanContext?.spanId);
  return parent ? [parent, ...above(parent)] : [];
}

function expectBelowRequest(): void {
  const own = exporter.getFinishedSpans().filter(({ instrumentationScope }) => instrumentationScope.name === 'torch-interrogator');
  expect(own.map(({ name }) => name)).toEqual(expect.arrayContaining(['queue', 'image tower']));
  for (const span of own) expect(above(span).at(-1)).toMatchObject({ name: 'request', attributes: { 'http.request.method': 'POST' } });
}

test('of a server', async () => {
  instrumentation = new FastifyOtelInstrumentation({ registerOnInitialization: true });
  instrumentation.setTracerProvider(provider);
  const server: Served = await served();
  exporter.reset();
  expect((await server.post('/v1/interrogate', { image: base64(ROCKET), modes: ['fast'] })).status).toBe(200);
  await server.close();
  expectBelowRequest();
});

test("of the routes in somebody's own app", async () => {
  instrumentation = new FastifyOtelInstrumentation();
  instrumentation.setTracerProvider(provider);
  const app = Fastify();
  await app.register(instrumentation.plugin());
  await app.register(interrogatorPlugin, { prefix: '/pictures', clip: ['sample'], caption: ['sample'], config: { cachePath: null } });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  await app.interrogator.started;
  await app.interrogator.warming;
  exporter.reset();
  const { status } = await fetch(`${url}/pictures/v1/interrogate?modes=fast`, {
    method: 'POST',
    headers: { 'content-type': 'image/png' },
    body: new Uint8Array(ROCKET),
  });
  await app.close();
  expect(status).toBe(200);
  expectBelowRequest();
});
