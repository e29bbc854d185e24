import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fetchImage } from '../support/download';

let server: Server | undefined;

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
});

const IMAGE = Buffer.from('GIF89a and so on');

test('an answer comes back byte by byte, through five redirects', async () => {
  const url = await serve((request, response) => {
    const left = Number(request.url?.slice(1));
    if (left > 0) response.writeHead(302, { location: `/${left - 1}` }).end();
    else response.end(IMAGE);
  });
  expect(Buffer.compare(await fetchImage(`${url}/5`), IMAGE)).toBe(0);
  await expect(fetchImage(`${url}/6`)).rejects.toMatchObject({
    code: 'ERR_NETWORK',
    message: expect.stringMatching(/redirects more than 5/),
  });
});

test('a redirect does not leave http', async () => {
  const url = await serve((_, response) => response.writeHead(301, { location: 'file:///etc/passwd' }).end());
  await expect(fetchImage(url)).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    message: expect.stringContaining('file:///etc/passwd'),
  });
});

test('an error status is named', async () => {
  const url = await serve((_, response) => response.writeHead(404).end('no'));
  await expect(fetchImage(`${url}/gone.png`)).rejects.toMatchObject({
    code: 'ERR_NETWORK',
    message: expect.stringMatching(/gone\.png: the server answered 404 Not Found/),
  });
});

test('too long an answer is refused, announced or not', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/announced') response.writeHead(200, { 'content-length': 5000 });
    response.end(Buffer.alloc(5000));
  });
  for (const where of ['announced', 'streamed']) {
    await expect(fetchImage(`${url}/${where}`, { maxBytes: 4999 })).rejects.toMatchObject({ code: 'ERR_IMAGE_SIZE' });
    expect((await fetchImage(`${url}/${where}`, { maxBytes: 5000 })).length).toBe(5000);
  }
});

test('an answer that breaks off or never comes is a network error', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/broken') {
      response.writeHead(200, { 'content-length': 5000 });
      response.write('start', () => response.destroy());
    }
  });
  await expect(fetchImage(`${url}/broken`)).rejects.toMatchObject({ code: 'ERR_NETWORK' });
  await expect(fetchImage(`${url}/silent`, { timeoutMs: 100 })).rejects.toMatchObject({
    code: 'ERR_NETWORK',
    message: expect.stringContaining('within 0.1 s'),
  });
});

test('a server that is not there is a network error', async () => {
  const url = await serve(() => {});
  await new Promise((resolve) => server?.close(resolve));
  server = undefined;
  await expect(fetchImage(url)).rejects.toMatchObject({ code: 'ERR_NETWORK', message: expect.stringContaining('ECONNREFUSED') });
});

test('an abort is heard before and during', async () => {
  const url = await serve(() => {});
  await expect(fetchImage(url, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError', code: 'ERR_ABORTED' });
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 50);
  await expect(fetchImage(url, { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError', code: 'ERR_ABORTED' });
});

test.each(['ftp://example.com/a.png', 'file:///a.png', 'data:image/png;base64,AAAA', 'not a url'])('%s is refused', async (url) => {
  await expect(fetchImage(url)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
});
