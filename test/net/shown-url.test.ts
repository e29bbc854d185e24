/** No message names what is secret in an image's URL: names, passwords, queries and fragments are made up at random. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { decodeImage } from '../../lib/image';
import { picturesOf } from '../../lib/run/inputs';
import { Random } from '../fuzz/support/random';
import { fetchImage } from '../support/download';

let server: Server;
let port: number;
const BODIES: Record<string, [number, string]> = {
  '/empty.png': [200, ''],
  '/text.png': [200, 'no image at all'],
  '/cut.png': [200, '\x89PNG\r\n\x1a\n'],
  '/none.png': [404, ''],
  '/to-nothing.png': [302, ''],
};

beforeAll(async () => {
  server = createServer(({ url = '' }, response) => {
    const [status, body] = BODIES[url.split('?')[0] as string] as [number, string];
    response.writeHead(status, status === 302 ? { location: 'http://[no' } : {}).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const random = new Random(11);

/** A text that occurs nowhere else. */
function secret(): string {
  return `s3cr3t${Math.floor(random.next() * 1e9).toString(36)}${'~_.!'[Math.floor(random.next() * 4)]}x`;
}

function secretUrl(address: string): { url: string; secrets: string[] } {
  const [user, password, token, fragment] = [secret(), secret(), secret(), secret()];
  const parts = [
    random.chance(0.8) && `${user}:${password}@`,
    random.chance(0.8) && `?a=1&X-Sig=${token}`,
    random.chance(0.5) && `#${fragment}`,
  ];
  const [login, query, hash] = parts.map((part) => part || '');
  return { url: `http://${login}${address}${query}${hash}`, secrets: [user, password, token, fragment] };
}

const addresses = (): string[] => [
  ...Object.keys(BODIES).map((path) => `127.0.0.1:${port}${path}`),
  '127.0.0.1:1/refused.png',
  '[no/wrong.png',
];

async function failureOf(work: () => Promise<unknown>): Promise<unknown> {
  return work().then(
    () => 'none',
    (error: unknown) => error,
  );
}

test('neither messages nor causes hold secrets', async () => {
  for (const address of addresses()) {
    for (let i = 0; i < 6; i++) {
      const { url, secrets } = secretUrl(address);
      const errors = [await failureOf(() => decodeImage(url)), await failureOf(() => fetchImage(url, { maxBytes: 5 }))];
      if (URL.canParse(url)) errors.push(await failureOf(() => decodeImage(new URL(url))));
      for (const error of errors) {
        const shown = inspect(error, { depth: 9 });
        for (const each of secrets) expect(shown).not.toContain(each);
      }
    }
  }
});

test('a run names pictures without secrets, also those that cannot be opened', async () => {
  for (const address of addresses()) {
    const { url, secrets } = secretUrl(address);
    for await (const { name, open } of picturesOf([url])) {
      const error = await failureOf(() => open(new AbortController().signal));
      for (const each of secrets) expect([name, inspect(error, { depth: 9 })].join('\n')).not.toContain(each);
    }
  }
});
