/** Stores of objects: what their servers refuse, and what networks do. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { ListMultipartUploadsCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import type { InterrogatorError } from '../../../lib/errors';
import { openStore, type ResultStore } from '../../../lib/fleet/store';
import { freePort } from '../support/redis';
import { type Fate, FaultProxy } from './support/fault-proxy';
import { newFile } from './support/files';
import { BUCKET, openTo, START_MS, setAws, TestObjectStore } from './support/object-store';

let open: TestObjectStore;
let strict: TestObjectStore;
let work: string;
let number = 0;
let location: string;
/** What a test began. */
const begun: (() => unknown)[] = [];

beforeAll(async () => {
  // One after the other: the first one makes the Python environment.
  open = await TestObjectStore.start();
  strict = await TestObjectStore.start({ strict: true });
}, START_MS);
afterAll(async () => {
  await open.stop();
  await strict.stop();
});
beforeEach(() => {
  work = mkdtempSync(path.join(tmpdir(), 'store-work-'));
  number += 1;
  location = `s3://${BUCKET}/test-${number}`;
});
afterEach(async () => {
  for (const end of begun.splice(0).reverse()) await end();
  rmSync(work, { recursive: true });
});

const local = (content: Uint8Array | string): string => newFile(work, content);

async function storeWith(settings: Readonly<Record<string, string>>, where = location): Promise<ResultStore> {
  begun.push(setAws(settings));
  const store = await openStore(where);
  begun.push(() => store.close());
  return store;
}

async function storeBehind(fateOf: (asked: IncomingMessage) => Fate): Promise<ResultStore> {
  const proxy = await FaultProxy.before(open.port, fateOf);
  begun.push(() => proxy.stop());
  return await storeWith(openTo(proxy.url));
}

async function faultOf(call: Promise<unknown>): Promise<InterrogatorError> {
  return await call.then(
    () => {
      throw new Error('It was done.');
    },
    (error) => error,
  );
}

async function keys(client = open.client): Promise<string[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `test-${number}/` }));
  return Contents.map(({ Key }) => Key as string);
}

const signedBy = ({ accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string }): Record<string, string> => ({
  AWS_ENDPOINT_URL_S3: strict.url,
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
});

/** All calls that ask the store something. */
function calls(store: ResultStore): Record<string, () => Promise<unknown>> {
  return {
    check: () => store.check(),
    put: () => store.put('a', local('x')),
    putIfAbsent: () => store.putIfAbsent('a', local('x')),
    has: () => store.has('a'),
    read: () => store.read('a'),
    list: () => store.list('').next(),
    remove: () => store.remove('a'),
  };
}

test('a user who may do all', async () => {
  const store = await storeWith(signedBy(strict.users.all));
  await store.check();
  expect(await store.putIfAbsent('large', local(randomBytes(9_000_000)))).toBe(true);
  expect(await store.putIfAbsent('large', local('other'))).toBe(false);
  await store.remove('large');
  expect(await keys(strict.client)).toEqual([]);
});

describe('what is refused says why, and what to do, and tells no secrets', () => {
  const SECRET = 'qZ0Secret/Access/Key1';
  const TOKEN = 'qZ1SessionToken';

  test('by a user who may only read', async () => {
    const store = await storeWith(signedBy(strict.users.reader));
    expect(await store.has('a')).toBe(false);
    for (const call of ['check', 'put', 'putIfAbsent']) {
      const fault = await faultOf((calls(store)[call] as () => Promise<unknown>)());
      expect(fault).toMatchObject({
        code: 'ERR_IO',
        message: expect.stringMatching(/^s3:\/\/results\/test-\d+\/a? ?cannot be written: 127\.0\.0\.1:\d+ denies it\./),
        hint: expect.stringContaining('s3:PutObject'),
      });
    }
  });

  test('an access key that nobody knows', async () => {
    const store = await storeWith({ ...signedBy({ accessKeyId: 'AKIANOBODY', secretAccessKey: SECRET }), AWS_SESSION_TOKEN: TOKEN });
    for (const call of Object.values(calls(store))) {
      const fault = await faultOf(call());
      expect(fault.code).toBe('ERR_IO');
      expect(inspect(fault, { depth: 9, showHidden: true })).not.toMatch(/qZ\d/);
    }
    const { message, hint } = await faultOf(store.check());
    expect(message).toMatch(/cannot be written: 127\.0\.0\.1:\d+ does not know the access key\./);
    expect(hint).toContain('AWS_ACCESS_KEY_ID');
  });

  test('a secret key that is another', async () => {
    const store = await storeWith(signedBy({ ...strict.users.all, secretAccessKey: SECRET }));
    const fault = await faultOf(store.check());
    expect(fault).toMatchObject({
      code: 'ERR_IO',
      message: expect.stringContaining('the secret key is not the one that'),
      hint: expect.stringContaining('AWS_SECRET_ACCESS_KEY'),
    });
    expect(inspect(fault, { depth: 9, showHidden: true })).not.toMatch(/qZ\d/);
  });

  test('no credentials at all', async () => {
    const store = await storeWith({ AWS_ENDPOINT_URL: strict.url });
    for (const call of Object.values(calls(store))) {
      expect(await faultOf(call())).toMatchObject({
        code: 'ERR_IO',
        message: expect.stringContaining('there are no credentials for 127.0.0.1:'),
        hint: expect.stringContaining('AWS_PROFILE'),
      });
    }
  });

  test('no such bucket', async () => {
    const store = await storeWith(openTo(open.url), 's3://nowhere/x');
    for (const call of ['check', 'put', 'putIfAbsent', 'read', 'list', 'remove']) {
      expect(await faultOf((calls(store)[call] as () => Promise<unknown>)())).toMatchObject({
        code: 'ERR_IO',
        message: expect.stringMatching(/there is no bucket nowhere at 127\.0\.0\.1:\d+\./),
        hint: expect.stringContaining('Create the bucket'),
      });
    }
  });

  // As S3 and MinIO document them.
  test.each([
    [400, 'KeyTooLongError', 'ERR_IO', 'its name is too long'],
    [400, 'ExpiredToken', 'ERR_IO', 'have expired'],
    [400, 'InvalidToken', 'ERR_IO', 'does not take the session token'],
    [403, 'RequestTimeTooSkewed', 'ERR_IO', 'the clocks of this machine'],
    [400, 'AuthorizationHeaderMalformed', 'ERR_IO', 'is in another region'],
    [507, 'XMinioStorageFull', 'ERR_IO', 'has no room left'],
    [503, 'SlowDown', 'ERR_NETWORK', 'fails or is busy (503 SlowDown)'],
    [400, 'SomethingNew', 'ERR_IO', 'answers 400 SomethingNew, No way'],
  ])('%d %s', async (status, name, code, message) => {
    const body = `<Error><Code>${name}</Code><Message>No way.</Message><Token-0>${TOKEN}</Token-0></Error>`;
    const store = await storeBehind(() => ({ status, body }));
    const fault = await faultOf(store.put('a', local('x')));
    expect(fault).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(inspect(fault, { depth: 9, showHidden: true })).not.toMatch(/qZ\d/);
  });

  test('a server that replaces whatever is there', async () => {
    const store = await storeBehind((asked) => ('if-none-match' in asked.headers ? { without: 'if-none-match' } : { pass: true }));
    expect(await faultOf(store.check())).toMatchObject({
      code: 'ERR_IO',
      message: expect.stringContaining('If-None-Match'),
      hint: expect.stringContaining('shared folder'),
    });
    expect(await keys()).toEqual([]);
  });

  test('a server that does not know how to keep what is there', async () => {
    const store = await storeBehind((asked) => ('if-none-match' in asked.headers ? { status: 501 } : { pass: true }));
    expect(await faultOf(store.check())).toMatchObject({ code: 'ERR_IO', message: expect.stringContaining('If-None-Match') });
  });
});

describe('what is not reached says where, and why', () => {
  function checkIn(settings: Readonly<Record<string, string>>): Record<string, string> {
    const restore = setAws({ ...settings, AWS_MAX_ATTEMPTS: '1' });
    try {
      const program = path.join(__dirname, 'support', 'check-process.cjs');
      return JSON.parse(execFileSync(process.execPath, [program, location], { encoding: 'utf8', env: { ...process.env } }));
    } finally {
      restore();
    }
  }

  test('nothing listens', async () => {
    const port = await freePort();
    const fault = checkIn(openTo(`http://me:qZ9@127.0.0.1:${port}`));
    expect(fault.code).toBe('ERR_NETWORK');
    expect(fault.message).toContain(`${location}/ cannot be written: 127.0.0.1:${port}: it refuses the connection.`);
    expect(fault.hint).toContain('AWS_ENDPOINT_URL');
    expect(fault.shown).not.toContain('qZ9');
  });

  test('no such host', () => {
    const { code, message } = checkIn(openTo('http://store.invalid:9000'));
    expect(code).toBe('ERR_NETWORK');
    expect(message).toMatch(/store\.invalid:9000: (there is no such host|the name of the host cannot be looked up)/);
  });

  test('TLS is not spoken there', () => {
    const { code, hint } = checkIn(openTo(open.url.replace('http:', 'https:')));
    expect(code).toBe('ERR_NETWORK');
    expect(hint).toContain('http://');
  });

  test.each([
    [200, '<html><body>Welcome</body></html>'],
    [404, '<!DOCTYPE html><html><body>Not &nbsp; found<br></body></html>'],
    [403, 'no'],
  ])('a server of another kind, which answers %d', async (status, body) => {
    const store = await storeBehind(() => ({ status, body }));
    const fault = await faultOf(store.check());
    expect(fault.code).toMatch(/^ERR_(IO|NETWORK)$/);
    expect(fault.message).toMatch(/127\.0\.0\.1:\d+/);
    expect(fault.message).not.toContain('undefined');
  });

  test('a server that fails is asked again, and then told of', async () => {
    let asked = 0;
    const store = await storeBehind(() => {
      asked += 1;
      return { status: 503 };
    });
    expect(await faultOf(store.put('a', local('x')))).toMatchObject({
      code: 'ERR_NETWORK',
      message: expect.stringContaining('fails or is busy (503'),
    });
    expect(asked).toBe(3);
  });
});

describe('a connection that breaks off', () => {
  const content = randomBytes(3_000_000);
  const isRead = ({ method, url = '' }: IncomingMessage): boolean => method === 'GET' && url.includes('/a?');

  test('while a result is read: the rest is asked for, and the result is whole', async () => {
    let reads = 0;
    const store = await storeBehind((asked) => (isRead(asked) && ++reads <= 4 ? { cut: 500_000 } : { pass: true }));
    await store.put('a', local(content));
    expect((await buffer(await store.read('a'))).equals(content)).toBe(true);
    expect(reads).toBe(5);
  });

  test('for good: the stream fails', async () => {
    let reads = 0;
    const store = await storeBehind((asked) => (isRead(asked) ? { cut: ++reads === 1 ? 500_000 : 0 } : { pass: true }));
    await store.put('a', local(content));
    const stream = await store.read('a');
    expect(await faultOf(buffer(stream))).toMatchObject({
      code: 'ERR_NETWORK',
      message: expect.stringContaining(`${location}/a cannot be read`),
    });
    expect(stream.destroyed).toBe(true);
  });

  test('and the result is another now: the stream fails', async () => {
    let reads = 0;
    const store = await storeBehind((asked) => (isRead(asked) && ++reads === 1 ? { cut: 500_000 } : { pass: true }));
    await store.put('a', local(content));
    const stream = await store.read('a');
    await open.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: `test-${number}/a`, Body: randomBytes(3_000_000) }));
    expect(await faultOf(buffer(stream))).toMatchObject({
      code: 'ERR_IO',
      message: expect.stringContaining('was replaced or removed while it was read'),
    });
  });

  test('and the server sends no parts: the stream fails', async () => {
    let reads = 0;
    const store = await storeBehind((asked) => (!isRead(asked) ? { pass: true } : ++reads === 1 ? { cut: 500_000 } : { without: 'range' }));
    await store.put('a', local(content));
    expect(await faultOf(buffer(await store.read('a')))).toMatchObject({
      code: 'ERR_NETWORK',
      message: expect.stringContaining('does not send parts'),
    });
  });

  // The store has done it, and is asked again.
  test.each([
    ['in one piece', 10, ({ method }: IncomingMessage) => method === 'PUT'],
    ['in parts', 9_000_000, ({ method, url = '' }: IncomingMessage) => method === 'POST' && url.includes('uploadId=')],
  ])('before the answer: what was written %s is the writer’s own', async (_, length, isLast) => {
    let lost = 0;
    const store = await storeBehind((asked) => (isLast(asked) && lost++ === 0 ? { lost: true } : { pass: true }));
    expect(await store.putIfAbsent('a', local(randomBytes(length)))).toBe(true);
    expect(lost).toBeGreaterThan(1);
    expect(await store.putIfAbsent('a', local(randomBytes(length)))).toBe(false);
  });

  test('while a check writes: it is asked again', async () => {
    let lost = 0;
    const store = await storeBehind(({ method }) => (method === 'PUT' && lost++ === 0 ? { lost: true } : { pass: true }));
    await store.check();
    expect(lost).toBeGreaterThan(1);
    expect(await keys()).toEqual([]);
  });

  test('and parts cannot be sent: nothing is there', async () => {
    const store = await storeBehind(({ url = '' }) => (url.includes('partNumber=2') ? { status: 500 } : { pass: true }));
    expect(await faultOf(store.put('a', local(randomBytes(20_000_000))))).toMatchObject({ code: 'ERR_NETWORK' });
    expect(await keys()).toEqual([]);
    const { Uploads = [] } = await open.client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: `test-${number}/` }));
    expect(Uploads).toEqual([]);
  });
});

test('writers that meet are asked to come again', async () => {
  let conflicts = 0;
  const body = '<Error><Code>ConditionalRequestConflict</Code><Message>Again</Message></Error>';
  const store = await storeBehind(({ method }) => (method === 'PUT' && conflicts++ < 2 ? { status: 409, body } : { pass: true }));
  expect(await store.putIfAbsent('a', local('x'))).toBe(true);
  expect(conflicts).toBe(3);
});

test('pages of names are followed', async () => {
  const store = await storeBehind(({ url = '' }) => (url.includes('list-type') ? { query: 'max-keys=7' } : { pass: true }));
  const names = Array.from({ length: 30 }, (_, i) => `shards/${String(i).padStart(6, '0')}.jsonl`);
  const file = local('x');
  await Promise.all(names.map((name) => store.put(name, file)));
  const listed: string[] = [];
  for await (const name of store.list('shards/')) listed.push(name);
  expect(listed).toEqual(names);
  await store.remove('shards/');
  expect(await keys()).toEqual([]);
});

// moto gives all on one page.
test('pages of what killed writers left are followed', async () => {
  const removed: string[] = [];
  const page = (own: string, next?: string): string =>
    `<ListMultipartUploadsResult><Upload><Key>test/${own}</Key><UploadId>id-${own}</UploadId></Upload>${
      next ? `<IsTruncated>true</IsTruncated><NextKeyMarker>${next}</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>` : ''
    }</ListMultipartUploadsResult>`;
  const store = await storeBehind(({ method, url = '' }) => {
    const { searchParams } = new URL(url, 'http://store');
    if (method === 'DELETE' && searchParams.has('uploadId')) {
      removed.push(searchParams.get('uploadId') as string);
      return { status: 204 };
    }
    if (!searchParams.has('uploads')) return { pass: true };
    return { status: 200, body: searchParams.get('key-marker') === 'second' ? page('b') : page('a', 'second') };
  });
  await store.remove('shards/');
  expect(removed).toEqual(['id-a', 'id-b']);
});

test('a whole bucket, and what other programs put there', async () => {
  const store = await storeWith(openTo(open.url), `s3://${BUCKET}/`);
  await store.put(`test-${number}/a`, local('x'));
  await open.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: `test-${number}/folder/`, Body: Buffer.alloc(0) }));
  const listed: string[] = [];
  for await (const name of store.list(`test-${number}/`)) listed.push(name);
  expect(listed).toEqual([`test-${number}/a`]);
});

test('settings come from the files of AWS, too', async () => {
  const config = path.join(work, 'config');
  writeFileSync(
    config,
    `[profile fleet]\nservices = mine\naws_access_key_id = a\naws_secret_access_key = b\n[services mine]\ns3 =\n  endpoint_url = ${open.url}\n`,
  );
  const store = await storeWith({ AWS_CONFIG_FILE: config, AWS_PROFILE: 'fleet' });
  await store.check();
  expect(await store.putIfAbsent('a', local('x'))).toBe(true);
  expect(await keys()).toEqual([`test-${number}/a`]);
});

test.each(['127.0.0.1:9000', 'store', 'ftp://store', 'http://'])('%s is no address of a server', async (address) => {
  expect(await faultOf(storeWith(openTo(address)))).toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    message: expect.stringContaining('AWS_ENDPOINT_URL'),
  });
});
