/** What the hub refuses, and what answers in its place: each is told for what it is, with what to do. */
import path from 'node:path';
import { cachedFile, fetchFiles, repositoryInfo } from '../../lib/hub';
import { HubError, offline, refusal, unexpected } from '../../lib/hub/refusals';
import type { Answer } from '../../lib/net/http';
import type { Fault } from '../support/hub';
import { askPython, makePlace, type Place } from './place';

const TOKEN = 'hf_sesameOpenNow';
const PASSWORD = 'pa55word';
const PUBLIC = 'maker/model';
const GATED = 'maker/gated';
const PRIVATE = 'maker/private';
const FILE = 'config.json';
const LARGE = 'weights.bin';

let place: Place;
beforeEach(async () => {
  place = await makePlace({ token: TOKEN, gated: [GATED], private: [PRIVATE] });
  for (const repository of [PUBLIC, GATED, PRIVATE]) {
    place.write(repository, FILE, Buffer.from('{}'));
    place.write(repository, LARGE, 200_000);
  }
  process.env.HF_ENDPOINT = withPassword();
});
afterEach(() => place.leave());

/** The stand-in's address as of a mirror that asks for a name and a password. */
const withPassword = (): string => place.hub.endpoint.replace('://', `://maker-name:${PASSWORD}@`);

/** The hint is the end of the message. */
function expectNoSecret({ message }: Error): void {
  for (const secret of [TOKEN, PASSWORD, 'maker-name']) expect(message).not.toContain(secret);
}

async function failureOf(work: Promise<unknown>): Promise<HubError> {
  const failure = await work.then(
    () => undefined,
    (error) => error,
  );
  expect(failure).toMatchObject({ code: 'ERR_NETWORK', hint: expect.stringMatching(/./) });
  expectNoSecret(failure);
  return failure as HubError;
}

const fetched = (repository: string, file = FILE, revision = 'main'): Promise<string[]> => fetchFiles(repository, [file], { revision });

describe('refusals', () => {
  test('a gated repository names the page of its terms, and HF_TOKEN', async () => {
    const failure = await failureOf(fetched(GATED));
    expect(failure).toMatchObject({ reason: 'gated', message: expect.stringContaining(`${GATED} is gated`) });
    expect(failure.hint).toContain(`${place.hub.endpoint}/${GATED}`);
    expect(failure.hint).toContain('HF_TOKEN');
    expect(place.hub.requests).toHaveLength(1);
  });

  test('one whose terms the account has not accepted says that', async () => {
    process.env.HF_TOKEN = TOKEN;
    const failure = await failureOf(fetched(GATED));
    expect(failure).toMatchObject({ reason: 'gated', message: expect.stringContaining("the token's account has not") });
    place.hub.accepted.add(GATED);
    expect(await fetched(GATED)).toHaveLength(1);
  });

  test.each<[string, string | undefined, () => Promise<unknown>, string, RegExp, RegExp]>([
    ['a token that is wrong', 'hf_wrong', () => fetched(PUBLIC), 'token', /does not know the token: Invalid credentials/, /HF_TOKEN/],
    ['a repository that is not there', undefined, () => fetched('maker/none'), 'repository', /no repository maker\/none/, /name.*HF_TOKEN/],
    ['nor with a token', TOKEN, () => fetched('maker/none'), 'repository', /nor one for this token/, /name/],
    ['a private one', undefined, () => fetched(PRIVATE), 'repository', /no repository maker\/private/, /HF_TOKEN/],
    ['facts of a private one', undefined, () => repositoryInfo(PRIVATE), 'repository', /no repository maker\/private/, /HF_TOKEN/],
    [
      'a file that is not there',
      undefined,
      () => fetched(PUBLIC, 'none.bin'),
      'file',
      /has no file none\.bin at revision main/,
      /tree\/main/,
    ],
    ['a revision that is not there', undefined, () => fetched(PUBLIC, FILE, 'v9'), 'revision', /has no revision v9/, /commits/],
    ['facts of a revision', undefined, () => repositoryInfo(PUBLIC, { revision: 'v9' }), 'revision', /has no revision v9/, /commits/],
  ])('%s', async (_, token, work, reason, message, hint) => {
    if (token) process.env.HF_TOKEN = token;
    const failure = await failureOf(work());
    expect(failure).toMatchObject({ reason, message: expect.stringMatching(message), hint: expect.stringMatching(hint) });
    expect(failure).toBeInstanceOf(HubError);
    // A refusal is final at once.
    expect(place.hub.requests).toHaveLength(1);
  });

  test("are what Python's client takes them for", async () => {
    process.env.HF_ENDPOINT = place.hub.endpoint;
    expect(await askPython([GATED, FILE])).toMatchObject({ error: 'GatedRepoError' });
    expect(await askPython([PUBLIC, 'none.bin'])).toMatchObject({ error: 'EntryNotFoundError' });
    expect(await askPython(['maker/none', FILE], { HF_TOKEN: TOKEN })).toMatchObject({ error: 'RepositoryNotFoundError' });
    place.hub.accepted.add(GATED);
    expect(await askPython([GATED, FILE, LARGE], { HF_TOKEN: TOKEN })).toMatchObject({ paths: [expect.any(String), expect.any(String)] });
  });

  test('of every kind keep the name and password of HF_ENDPOINT to themselves', () => {
    const asked = { repository: PUBLIC, revision: 'main', file: FILE };
    const codes = [undefined, 'GatedRepo', 'RevisionNotFound', 'EntryNotFound', 'RepoNotFound'];
    const reasons = new Set<string>();
    for (const token of [undefined, TOKEN]) {
      if (token) process.env.HF_TOKEN = token;
      for (const status of [200, 302, 400, 401, 403, 404, 408, 416, 429, 500, 503, 511]) {
        for (const code of codes) {
          for (const type of ['text/html', 'application/json']) {
            const headers = { ...(code && { 'x-error-code': code }), 'content-type': type };
            const answer = { url: '', status, statusText: `${status} Said`, headers, redirects: [], length: 0 } as unknown as Answer;
            for (const failure of [refusal(asked, answer), unexpected(withPassword(), answer)]) {
              expectNoSecret(failure);
              reasons.add((failure as HubError).reason ?? 'page');
            }
          }
        }
      }
    }
    expectNoSecret(offline(asked));
    const all = ['busy', 'file', 'forbidden', 'gated', 'page', 'repository', 'revision', 'token', 'trouble', 'unexpected'];
    expect([...reasons].sort()).toEqual(all);
  });

  test('a 403 without a reason may be of a proxy', async () => {
    place.hub.faults.push({ status: 403 });
    expect(await failureOf(fetched(PUBLIC))).toMatchObject({ reason: 'forbidden', message: expect.stringContaining('or a proxy') });
  });

  test('a store that refuses keeps what came', async () => {
    place.hub.faults.push({ at: 'store', cutAfter: 150_000 }, { at: 'store', status: 404 });
    await failureOf(fetched(PUBLIC, LARGE));
    await fetched(PUBLIC, LARGE);
    expect(place.hub.bytesSent).toBe(200_000);
  });
});

describe('what passes', () => {
  test.each<[string, Fault]>([
    ['500 of the hub', { at: 'hub', status: 500, times: 2 }],
    ['503 of the store', { at: 'store', status: 503, times: 2 }],
    ['403 of the store, whose addresses are signed for a while', { at: 'store', status: 403 }],
    ['429 without a time', { at: 'hub', status: 429 }],
    ['429 of the store', { at: 'store', status: 429, retryAfter: '1' }],
  ])('%s is asked again', async (_, fault) => {
    place.hub.faults.push(fault);
    expect(await fetched(PUBLIC, LARGE)).toHaveLength(1);
    expect(place.hub.bytesSent).toBe(200_000);
  });

  test.each([
    ['seconds', () => '2', 2000],
    ['a date', () => new Date(Date.now() + 3000).toUTCString(), 1900],
  ])('Retry-After is honoured: %s', async (_, retryAfter, least) => {
    place.hub.faults.push({ status: 429, retryAfter: retryAfter() });
    const began = performance.now();
    await fetched(PUBLIC);
    expect(performance.now() - began).toBeGreaterThan(least);
  });

  test('one of an hour is not waited for', async () => {
    place.hub.faults.push({ status: 429, retryAfter: '3600' });
    expect(await failureOf(fetched(PUBLIC))).toMatchObject({
      reason: 'busy',
      message: expect.stringContaining('asks to wait for 3600 s'),
      hint: expect.stringContaining('HF_TOKEN'),
    });
  });

  test('a hub that is down for good is an error in the end', async () => {
    place.hub.faults.push({ status: 502, times: -1 });
    expect(await failureOf(fetched(PUBLIC))).toMatchObject({ reason: 'trouble', message: expect.stringContaining('502 Bad Gateway') });
    expect(place.hub.requests).toHaveLength(5);
  });

  test('a hub that falls silent is asked again', async () => {
    process.env.HF_HUB_ETAG_TIMEOUT = '0.5';
    place.hub.faults.push({ at: 'hub', silent: true });
    expect(await fetched(PUBLIC)).toHaveLength(1);
  });

  test('a hub that is not there is an error with what to do', async () => {
    await place.hub.stop();
    const failure = await failureOf(fetched(PUBLIC));
    expect(failure.message).toContain('ECONNREFUSED');
    expect(failure.hint).toContain('HF_ENDPOINT');
  });
});

describe('what is no hub', () => {
  test.each<[string, Fault, () => Promise<unknown>]>([
    ['where the hub is asked', { at: 'hub', page: true }, () => fetched(PUBLIC)],
    ['where the facts are asked for', { at: 'hub', page: true }, () => repositoryInfo(PUBLIC)],
    ['by a redirect', { at: 'hub', redirect: 'http://portal.invalid/login' }, () => fetched(PUBLIC)],
    ['where the content should come', { at: 'store', page: true, times: -1 }, () => fetched(PUBLIC, LARGE)],
    ['with the status that is made for it', { at: 'hub', status: 511 }, () => fetched(PUBLIC)],
  ])("a network's own page is told for one: %s", async (_, fault, work) => {
    place.hub.faults.push(fault);
    const failure = await failureOf(work());
    expect(failure).toMatchObject({ message: expect.stringContaining('web page'), hint: expect.stringContaining('sign in') });
    expect(await cachedFile(PUBLIC, FILE)).toBeUndefined();
    place.hub.faults.length = 0;
    expect(await fetched(PUBLIC)).toHaveLength(1);
  });

  test('a page in mid-fetch takes nothing of what came', async () => {
    place.hub.faults.push({ at: 'store', cutAfter: 150_000 }, { at: 'store', page: true });
    await failureOf(fetched(PUBLIC, LARGE));
    await fetched(PUBLIC, LARGE);
    expect(place.hub.bytesSent).toBe(200_000);
  });

  test.each([
    ['no commit', ['x-repo-commit']],
    ['no name of the content', ['etag']],
  ])('an answer with %s is of another server', async (_, without) => {
    place.hub.faults.push({ without, times: -1 });
    expect(await failureOf(fetched(PUBLIC))).toMatchObject({ reason: 'unexpected', hint: expect.stringContaining('HF_ENDPOINT') });
  });

  test('an address that is not a hub', async () => {
    process.env.HF_ENDPOINT = `${withPassword()}/elsewhere`;
    expect(await failureOf(fetched(PUBLIC))).toMatchObject({ reason: 'unexpected', hint: expect.stringContaining('HF_ENDPOINT') });
  });

  test.each(['hub.example', 'ftp://hub.example', '::'])('HF_ENDPOINT=%s is a wrong setting', async (endpoint) => {
    process.env.HF_ENDPOINT = endpoint;
    await expect(fetched(PUBLIC)).rejects.toMatchObject({ code: 'ERR_CONFIG', message: expect.stringContaining('HF_ENDPOINT') });
  });
});

test.each(['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'])('%s asks nobody, and says what is missing', async (name) => {
  process.env[name] = '1';
  const failure = await failureOf(fetched(PUBLIC));
  expect(failure).toMatchObject({ reason: 'offline', message: expect.stringContaining(`${FILE} of ${PUBLIC}`) });
  expect(await failureOf(repositoryInfo(PUBLIC))).toMatchObject({ reason: 'offline' });
  expect(place.hub.requests).toEqual([]);
});

describe('names become paths', () => {
  test.each([
    '',
    'a/b/c',
    '../x',
    'a/..',
    '.a/b',
    'a--b/c',
    'a/b.git',
    'a b/c',
    'a/b\0',
    'a/-b',
    '/a',
    'a/',
    'https://x/y',
    `a/${'b'.repeat(97)}`,
  ])('the repository %j is refused', async (repository) => {
    for (const work of [() => fetched(repository), () => cachedFile(repository, FILE), () => repositoryInfo(repository)]) {
      await expect(work()).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    }
    expect(place.hub.requests).toEqual([]);
  });

  test.each(['', '/etc/passwd', '../x', 'a/../../x', 'a//b', './a', 'a/.', 'a\0b', 'a\nb', 'a\\..\\b', `${'a/'.repeat(600)}b`])(
    'the file and the revision %j are refused',
    async (name) => {
      await expect(fetched(PUBLIC, name)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
      await expect(cachedFile(PUBLIC, name)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
      await expect(fetched(PUBLIC, FILE, name)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
      await expect(cachedFile(PUBLIC, FILE, { revision: name })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
      expect(place.hub.requests).toEqual([]);
    },
  );

  test('odd names are asked for as they are', async () => {
    process.env.HF_ENDPOINT = place.hub.endpoint;
    const odd = 'ä folder/50% #1?+&.txt';
    place.write(PUBLIC, odd, Buffer.from('odd'));
    const [file] = await fetchFiles(PUBLIC, [odd]);
    expect(file?.endsWith(path.join('ä folder', '50% #1?+&.txt'))).toBe(true);
    expect(await askPython([PUBLIC, odd, '--offline'])).toMatchObject({ paths: [file] });
  });
});
