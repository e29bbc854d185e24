import Fastify from 'fastify';
import OpenAI from 'openai';
import { interrogatorPlugin } from '../../../lib/server';
import { served } from '../served';

const ROUTES = [
  '/interrogator/prompt',
  '/sdapi/v1/interrogate',
  '/v1/embeddings',
  '/v1/chat/completions',
  '/hf/sample',
  '/embed',
  '/post',
  '/predict',
];

test('a server that is told so has no routes of other systems', async () => {
  const server = await served({ compatible: false });
  try {
    for (const route of ROUTES) expect({ route, ...(await server.post(route, {})) }).toMatchObject({ route, status: 404 });
    expect(await server.get('/v1/models')).toMatchObject({ status: 200 });
  } finally {
    await server.close();
  }
});

test('other methods of these routes are 405', async () => {
  const server = await served();
  try {
    for (const route of ROUTES) {
      const { status, headers } = await server.get(route);
      expect({ route, status, allow: headers.get('allow') }).toEqual({ route, status: 405, allow: expect.stringContaining('POST') });
    }
  } finally {
    await server.close();
  }
});

test('in an app of somebody else they are below its prefix, and leave its errors alone', async () => {
  const app = Fastify();
  app.get('/own', async () => {
    throw new Error('own');
  });
  await app.register(interrogatorPlugin, { prefix: '/pictures', clip: ['sample'], caption: ['sample'], config: { cachePath: null } });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  try {
    await app.interrogator.started;
    const client = new OpenAI({ baseURL: `${url}/pictures/v1`, apiKey: 'any', maxRetries: 0 });
    expect((await client.embeddings.create({ model: 'sample', input: 'x' })).data).toHaveLength(1);
    expect((await fetch(`${url}/v1/embeddings`, { method: 'POST' })).status).toBe(404);
    expect(await (await fetch(`${url}/own`)).json()).toMatchObject({ error: 'Internal Server Error', message: 'own' });
  } finally {
    await app.close();
  }
});
