/** Looking for a wheel where pip's settings say, in places that answer as some do. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { findWheel } from '../../lib/wheels/find-wheel';
import type { PipSettings } from '../../lib/wheels/pip-settings';
import { JSON_TYPE, makeWheel, PackageIndex, type TestWheel } from '../support/package-index';

const WHEEL = makeWheel('nvidia-cuda-runtime', '13.0.96', { 'a.txt': 'a' });
const OTHER = { ...makeWheel('nvidia-cuda-runtime', '13.0.96', { 'a.txt': 'b' }), file: WHEEL.file };
const saved = { ...process.env };

let folder: string;
let indexes: PackageIndex[];

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'find-wheel-'));
  indexes = [];
  process.env.NETRC = path.join(folder, 'netrc');
  process.env.NO_PROXY = '127.0.0.1';
});
afterEach(async () => {
  process.env = { ...saved };
  await Promise.all(indexes.map((index) => index.stop()));
  rmSync(folder, { recursive: true });
});

async function startIndex(...wheels: TestWheel[]): Promise<PackageIndex> {
  const index = await PackageIndex.start(wheels);
  indexes.push(index);
  return index;
}

const find = (settings: Partial<PipSettings>, signal?: AbortSignal): Promise<string> =>
  findWheel(WHEEL, { indexes: [], findLinks: [], connection: {}, idleMs: 2000, retries: 0, ...settings }, { hint: 'Try again.', signal });
const failure = (settings: Partial<PipSettings>): Promise<Error> => find(settings).then(String, (error) => error) as Promise<Error>;

test.each(['json', 'html'] as const)('an index in %s; slashes at the end of its address do not matter', async (form) => {
  const index = await startIndex(WHEEL);
  index.form = form;
  for (const url of [index.url, `${index.url}/`, `${index.url}//`]) {
    expect(await find({ indexes: [url] })).toBe(`${index.origin}/files/${WHEEL.file}`);
  }
  expect(new Set(index.paths)).toEqual(new Set(['/simple/nvidia-cuda-runtime/']));
});

test('relative links begin where a redirect ended', async () => {
  const [index, first] = [await startIndex(WHEEL), await startIndex()];
  first.instead = ({ url }, response) => Boolean(response.writeHead(301, { location: `${index.origin}${url}` }).end());
  expect(await find({ indexes: [first.url] })).toBe(`${index.origin}/files/${WHEEL.file}`);
});

test('places are asked in order, and no further than needed', async () => {
  const [index, extra] = [await startIndex(), await startIndex(WHEEL)];
  const last = await startIndex(WHEEL);
  expect(await find({ indexes: [index.url, extra.url, last.url] })).toContain(extra.origin);
  expect([index, extra, last].map(({ requests }) => requests.length)).toEqual([1, 1, 0]);
});

test('another file under the same name is not taken, wherever it is', async () => {
  const [index, extra] = [await startIndex(OTHER), await startIndex(WHEEL)];
  expect(await find({ indexes: [index.url, extra.url] })).toContain(extra.origin);
  writeFileSync(path.join(folder, OTHER.file), OTHER.content);
  const { message } = await failure({ indexes: [index.url], findLinks: [folder] });
  expect(message.split(OTHER.sha256)).toHaveLength(3);
  expect(message).toContain(`${index.url}/nvidia-cuda-runtime/: it has that file with the SHA-256`);
});

test('a page that declares no hash is believed until the file is here', async () => {
  const index = await startIndex();
  index.instead = (_, response) =>
    Boolean(response.writeHead(200, { 'content-type': 'text/html' }).end(`<a href="${WHEEL.file.toUpperCase()}">`));
  expect(await find({ indexes: [index.url] })).toBe(`${index.url}/nvidia-cuda-runtime/${WHEEL.file.toUpperCase()}`);
});

test('a file that cannot be read is told as that', async () => {
  mkdirSync(path.join(folder, WHEEL.file));
  expect((await failure({ findLinks: [folder] })).message).toMatch(/it has that file, which cannot be read: EISDIR/);
});

test('find-links: folders, pages in them, files, and pages of a server', async () => {
  const file = path.join(folder, WHEEL.file);
  const url = pathToFileURL(file).href;
  const index = await startIndex(WHEEL);
  writeFileSync(path.join(folder, 'links.html'), `<a href="${index.origin}/files/${WHEEL.file}">x</a>`);
  expect(await find({ findLinks: [folder] })).toBe(`${index.origin}/files/${WHEEL.file}`);
  writeFileSync(file, WHEEL.content);
  for (const place of [folder, pathToFileURL(folder).href, file, url]) expect(await find({ findLinks: [place] })).toBe(url);
  expect(index.requests).toEqual([]);
  const links = { findLinks: [`${index.origin}/simple/nvidia-cuda-runtime/`] };
  expect(await find(links)).toBe(`${index.origin}/files/${WHEEL.file}`);
  expect(await find({ findLinks: [`${index.origin}/elsewhere/${WHEEL.file}#sha256=${WHEEL.sha256}`] })).toContain('/elsewhere/');
});

test('an index may be a folder of pages', async () => {
  const page = path.join(folder, 'simple', WHEEL.name);
  mkdirSync(page, { recursive: true });
  writeFileSync(path.join(page, 'index.html'), `<a href="../../${WHEEL.file}">x</a><a href="../../../missing/${WHEEL.file}">y</a>`);
  writeFileSync(path.join(folder, WHEEL.file), WHEEL.content);
  for (const index of [path.join(folder, 'simple'), `${pathToFileURL(folder).href}/simple/`]) {
    expect(await find({ indexes: [index] })).toBe(pathToFileURL(path.join(folder, WHEEL.file)).href);
  }
});

test('names and passwords: of the address, of the index for its other pages, of .netrc, and of no other origin', async () => {
  const index = await startIndex(WHEEL);
  const withName = index.url.replace('http://', 'http://na%40me:pass%word@');
  expect(await find({ indexes: [withName] })).toBe(`${index.origin.replace('http://', 'http://na%40me:pass%25word@')}/files/${WHEEL.file}`);
  expect(index.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('na@me:pass%word').toString('base64')}`);

  writeFileSync(path.join(folder, 'netrc'), 'machine 127.0.0.1 login me password p@ss:%w\n');
  expect(await find({ indexes: [index.url] })).toContain('http://me:p%40ss%3A%25w@127');
  expect(index.requests[1]?.headers.authorization).toBe(`Basic ${Buffer.from('me:p@ss:%w').toString('base64')}`);

  rmSync(path.join(folder, 'netrc'));
  const first = await startIndex();
  first.instead = ({ url }, response) => Boolean(response.writeHead(302, { location: `${index.origin}${url}` }).end());
  const found = await find({ indexes: [first.url.replace('http://', 'http://name:secret@')] });
  expect(found).toBe(`${index.origin}/files/${WHEEL.file}`);
  expect(index.requests[2]?.headers.authorization).toBeUndefined();
});

test('messages name every place and what it answered, and no password', async () => {
  const [missing, portal, broken, binary] = [await startIndex(), await startIndex(), await startIndex(), await startIndex()];
  portal.instead = (_, response) => Boolean(response.writeHead(200, { 'content-type': 'text/html' }).end('<form>Sign in</form>'));
  broken.instead = (_, response) => Boolean(response.writeHead(200, { 'content-type': JSON_TYPE }).end('{"files": ['));
  binary.instead = (_, response) => Boolean(response.writeHead(200, { 'content-type': 'application/zip' }).end('PK'));
  const error = await failure({
    findLinks: [path.join(folder, 'missing'), folder],
    indexes: [
      missing.url.replace('http://', 'http://name:secret@'),
      ...[portal, broken, binary].map(({ url }) => url),
      'http://127.0.0.1:1/simple',
      'pypi.example/simple',
      'https://name:sec#ret@host/simple',
      'http://pypi.example/simple',
    ],
  });
  expect(error).toMatchObject({ code: 'ERR_NETWORK', hint: 'Try again.' });
  for (const said of [
    `- ${folder}/missing: it is neither a URL nor a folder`,
    `- ${folder}: it has no wheels`,
    `- ${missing.url}/nvidia-cuda-runtime/: it answered 404 Not Found`,
    `- ${portal.url}/nvidia-cuda-runtime/: it lists no files; a network that one must log in to`,
    `- ${broken.url}/nvidia-cuda-runtime/: it is no JSON`,
    `- ${binary.url}/nvidia-cuda-runtime/: it is of the type "application/zip"`,
    '- Cannot download http://127.0.0.1:1/simple/nvidia-cuda-runtime/: ',
    '- pypi.example/simple: it is neither a URL',
    "- one of pip's settings: it is neither a URL",
    '- http://pypi.example/simple/nvidia-cuda-runtime/: it is asked without encryption, and pip',
  ]) {
    expect(error.message).toContain(said);
  }
  expect(error.message).not.toMatch(/secret|sec#ret/);
});

test('no place to look in is told', async () => {
  expect(String(await failure({}))).toContain('no-index without find-links');
});

test('redirects without an end and bodies without an end are errors', async () => {
  const index = await startIndex();
  index.instead = ({ url }, response) => Boolean(response.writeHead(302, { location: `${url}x/` }).end());
  expect(String(await failure({ indexes: [index.url] }))).toContain('redirects more than 5 times');

  index.instead = (_, response) => {
    response.writeHead(200, { 'content-type': JSON_TYPE });
    const chunk = Buffer.alloc(1 << 20, ' ');
    const send = (): void => void (!response.destroyed && response.write(chunk, () => setImmediate(send)));
    send();
    return true;
  };
  expect(String(await failure({ indexes: [index.url] }))).toContain('longer than 16777216 bytes');

  index.instead = (_, response) => Boolean(response.writeHead(200, { 'content-type': JSON_TYPE }).write('{'));
  expect(String(await failure({ indexes: [index.url], idleMs: 300 }))).toContain('Cannot download');
});

test('a server that is busy is asked again, one that refuses is not', async () => {
  const index = await startIndex(WHEEL);
  index.instead = (_, response) => index.requests.length < 3 && Boolean(response.writeHead(503).end());
  expect(await find({ indexes: [index.url], retries: 2 })).toContain(WHEEL.file);
  expect(index.requests).toHaveLength(3);
  index.instead = (_, response) => Boolean(response.writeHead(403).end());
  expect(String(await failure({ indexes: [index.url], retries: 5 }))).toContain('403 Forbidden');
  expect(index.requests).toHaveLength(4);
});

test('an abort ends it at once', async () => {
  const index = await startIndex();
  index.instead = () => true;
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 50);
  await expect(find({ indexes: [index.url], retries: 5 }, controller.signal)).rejects.toMatchObject({ code: 'ERR_ABORTED' });
});

test("pip's proxy is asked, also for what NO_PROXY names", async () => {
  const proxy = await startIndex(WHEEL);
  proxy.instead = (request) => {
    request.url = new URL(request.url ?? '').pathname;
    return false;
  };
  const connection = { proxy: proxy.origin, isTrusted: () => true };
  expect(await find({ indexes: ['http://pypi.example/simple'], connection })).toBe(`http://pypi.example/files/${WHEEL.file}`);
});

test('a certificate of unknown making is an error, unless pip is told to trust it, or its host', async () => {
  const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'certificate.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-keyout', key, '-out', certificate, ...subject],
    { stdio: 'ignore' },
  );
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<a href="/${WHEEL.file}">x</a>`);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  try {
    const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const indexes = [`${origin}/simple`];
    const others = { certificates: null, isTrusted: ({ host }: URL) => host === '127.0.0.1:1' };
    expect(String(await failure({ indexes, connection: others }))).toMatch(/self-signed certificate|certificate/);
    expect(await find({ indexes, connection: { certificates: certificate } })).toBe(`${origin}/${WHEEL.file}`);
    expect(await find({ indexes, connection: { isTrusted: ({ hostname }) => hostname === '127.0.0.1' } })).toBe(`${origin}/${WHEEL.file}`);
    // What was learnt of one connection is not held for another.
    expect(String(await failure({ indexes }))).toContain('certificate');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
