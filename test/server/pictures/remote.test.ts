import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isPublicAddress } from '../../../lib/server/pictures/public-address';
import { PictureFetcher } from '../../../lib/server/pictures/remote';
import { Spool } from '../../../lib/server/pictures/spool';
import { APPLE } from '../served';

const signal = new AbortController().signal;
const spool = new Spool();
let server: Server;
let base: string;

beforeAll(async () => {
  server = createServer((request, answer) => {
    const [, what = '', more = ''] = (request.url as string).split('/');
    if (what === 'picture') answer.end(APPLE);
    else if (what === 'redirect') answer.writeHead(302, { location: decodeURIComponent(more) }).end();
    else if (what === 'endless') {
      const timer = setInterval(() => answer.write(Buffer.alloc(10_000)), 1);
      answer.on('close', () => clearInterval(timer));
    } else if (what === 'silent') answer.flushHeaders();
    else answer.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  spool.close();
  server.closeAllConnections();
  server.close();
});

/** This machine stands for the public internet. */
const open = new PictureFetcher((address) => address === '127.0.0.1' || isPublicAddress(address));
afterAll(() => open.close());

test('a picture is fetched, also behind redirects', async () => {
  for (const url of [`${base}/picture`, `${base}/redirect/${encodeURIComponent(`${base}/picture`)}`, `${base}/redirect/%2Fpicture`]) {
    const { stored } = await open.fetch(url, spool, { maxBytes: 1e6, signal });
    expect((typeof stored === 'string' ? readFileSync(stored) : stored).equals(APPLE)).toBe(true);
  }
});

test.each(['http://10.0.0.1/', 'http://[::1]/', 'http://169.254.169.254/', 'file:///etc/passwd', 'http://a:b@example.org/'])(
  'a redirect to %s is not followed',
  async (target) => {
    const url = `${base}/redirect/${encodeURIComponent(target)}`;
    await expect(open.fetch(url, spool, { maxBytes: 1e6, signal })).rejects.toMatchObject({ code: 'ERR_IMAGE_URL' });
  },
);

test('a name is checked by what it leads to, when it is connected to', async () => {
  const strict = new PictureFetcher();
  const { port } = new URL(base);
  await expect(strict.fetch(`http://localhost:${port}/picture`, spool, { maxBytes: 1e6, signal })).rejects.toMatchObject({ status: 403 });
  await strict.close();
});

test('redirects in a circle, too many bytes, and what is not there', async () => {
  const circle = `${base}/redirect/${encodeURIComponent(`${base}/redirect/x`)}`;
  await expect(open.fetch(circle, spool, { maxBytes: 1e6, signal })).rejects.toMatchObject({ status: 422 });
  await expect(open.fetch(`${base}/endless`, spool, { maxBytes: 1e6, signal })).rejects.toMatchObject({ status: 413 });
  await expect(open.fetch(`${base}/none`, spool, { maxBytes: 1e6, signal })).rejects.toMatchObject({ status: 422 });
});

test('the client leaves: the fetch ends', async () => {
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 50);
  await expect(open.fetch(`${base}/silent`, spool, { maxBytes: 1e6, signal: abort.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
});
