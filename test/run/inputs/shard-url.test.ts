/** The pictures of tar shards over the network: the same as of files, as far as the connection goes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { countPictures, picturesOf } from '../../../lib/run/inputs';
import { failure, never, numbers, readAll } from './reading';

let server: Server;
let host: string;
let answers: Record<string, (response: ServerResponse) => void>;

beforeEach(async () => {
  answers = {};
  server = createServer(({ url = '' }, response) => {
    const answer = answers[url.replace(/\?.*/, '')];
    if (answer) answer(response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function tarOf(members: readonly [string, Buffer | string][]): Promise<Buffer> {
  const tar = pack();
  for (const [name, bytes] of members) tar.entry({ name }, bytes);
  tar.finalize();
  return buffer(tar);
}

function membersOf(seed: number, count: number): [string, Buffer][] {
  const pick = numbers(seed);
  return Array.from({ length: count }, (_, i) => [`${i}.jpg`, Buffer.alloc(1 + pick(3000), `content ${i} `)]);
}

const shown = (shard: string, members: readonly [string, Buffer | string][]): [string, string][] =>
  members.map(([name, bytes]) => [`${shard}/${name}`, bytes.toString()]);

test.each(['tar', 'tar.gz', 'tgz'])('a .%s is read as one in a file is, also behind a redirect and with a key', async (suffix) => {
  const members = membersOf(3, 60);
  const tar = await tarOf(members);
  answers[`/set.${suffix}`] = (response) => response.end(suffix === 'tar' ? tar : gzipSync(tar));
  answers[`/old.${suffix}`] = (response) => response.writeHead(302, { location: `/set.${suffix}` }).end();
  const url = `${host}/set.${suffix}`;
  expect(await readAll(picturesOf([url]))).toEqual(shown(url, members));
  expect(await readAll(picturesOf([new URL(`${host}/old.${suffix}?key=secret`)]))).toEqual(shown(`${host}/old.${suffix}?…`, members));
  expect(await countPictures([url])).toBeNull();
});

test('braces are several shards, of which one that is not there is one failure; a list may name them too', async () => {
  for (const i of [0, 1, 3]) {
    const tar = await tarOf([[`${i}.png`, `content ${i}`]]);
    answers[`/s-00${i}.tar`] = (response) => response.end(tar);
  }
  const expected = [
    [`${host}/s-000.tar/0.png`, 'content 0'],
    [`${host}/s-001.tar/1.png`, 'content 1'],
    [`${host}/s-002.tar`, expect.stringMatching(/^ERR_NETWORK: The shard .*s-002\.tar cannot be read before its first member: .*404/)],
    [`${host}/s-003.tar/3.png`, 'content 3'],
  ];
  expect(await readAll(picturesOf([`${host}/s-{000..003}.tar`]))).toEqual(expected);
  const folder = mkdtempSync(path.join(tmpdir(), 'shard-url-'));
  const list = path.join(folder, 'list.txt');
  writeFileSync(list, [0, 1, 2, 3].map((i) => `${host}/s-00${i}.tar\n`).join(''));
  expect(await readAll(picturesOf([], { from: [list] }))).toEqual(expected);
  expect(await countPictures([], { from: [list] })).toBeNull();
  rmSync(folder, { recursive: true });
});

test.each([1, 2, 3, 4])('a connection that breaks (%i): the pictures before it, then the cause', async (seed) => {
  const pick = numbers(seed * 17);
  const members = membersOf(seed, 400);
  const tar = await tarOf(members);
  const cut = pick(tar.length - 2048);
  answers['/x.tar'] = (response) => {
    response.writeHead(200, { 'content-length': tar.length });
    response.write(tar.subarray(0, cut), () => void setTimeout(20).then(() => response.destroy()));
  };
  const found: [string, string][] = [];
  for await (const { name, open } of picturesOf([`${host}/x.tar`])) {
    if (found.length < 3) await setTimeout(40);
    found.push([name, await open(never).then(String, ({ code, message }) => `${code}: ${message}`)]);
  }
  const last = found.pop();
  // Those that came whole: a header and their bytes in blocks.
  let end = 0;
  const whole = members.filter(([, bytes]) => {
    end += 512 + bytes.length;
    const isWhole = end <= cut;
    end = Math.ceil(end / 512) * 512;
    return isWhole;
  });
  // Of what the client has not handed over yet, 64 KiB at most, it lets go.
  expect(found).toEqual(shown(`${host}/x.tar`, whole.slice(0, found.length)));
  expect(whole.slice(found.length).reduce((sum, [, bytes]) => sum + bytes.length, 0)).toBeLessThan(1 << 17);
  expect(last).toEqual([`${host}/x.tar`, expect.stringMatching(/^ERR_NETWORK: The shard .*x\.tar cannot be read (at or behind|before)/)]);
});

test('whoever leaves in the middle, and a signal, end the transfer', async () => {
  const tar = await tarOf(membersOf(5, 20));
  const closed: Promise<unknown>[] = [];
  answers['/x.tar'] = (response) => {
    closed.push(new Promise((resolve) => response.on('close', resolve)));
    response.write(tar.subarray(0, 20_000));
  };
  for await (const _ of picturesOf([`${host}/x.tar`])) break;
  const controller = new AbortController();
  const reading = (async () => {
    for await (const { name } of picturesOf([`${host}/x.tar`], { signal: controller.signal }))
      if (name.endsWith('/3.jpg')) controller.abort();
  })();
  await expect(reading).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  expect(closed).toHaveLength(2);
  await Promise.all(closed);
});

test('parquet over the network says what to do, without the key', async () => {
  const url = 'https://example.org/a.parquet?key=secret';
  expect(await failure(picturesOf([url]))).toMatchObject({ code: 'ERR_INVALID_ARGUMENT', hint: expect.stringContaining('Download') });
  const [[name, said]] = (await readAll(picturesOf([url]))) as [[string, string]];
  expect(name + said).not.toContain('secret');
  expect(await countPictures([url])).toBe(1);
});
