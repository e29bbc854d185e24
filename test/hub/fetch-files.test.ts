/** Fetching from the hub into the cache that Python keeps, where all goes well. */
import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readlinkSync, rmSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cachedFile, fetchFiles, repositoryInfo } from '../../lib/hub';
import { askPython, listing, makePlace, type Place } from './place';

const REPOSITORY = 'maker/model-1.0';
const FOLDER = 'models--maker--model-1.0';
const gitBlob = (bytes: Buffer): string => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

let place: Place;
let weights: Buffer;
let config: Buffer;
let vocabulary: Buffer;
const FILES = ['weights.safetensors', 'config.json', 'tokenizer/deep er/vocab#1.txt'];

beforeEach(async () => {
  place = await makePlace();
  weights = place.write(REPOSITORY, FILES[0] as string, 700_001);
  config = place.write(REPOSITORY, FILES[1] as string, Buffer.from('{"width": 8}'));
  vocabulary = place.write(REPOSITORY, FILES[2] as string, 5000);
});
afterEach(() => place.leave());

test('files get the names, links and reference that huggingface_hub gives them', async () => {
  const paths = await fetchFiles(REPOSITORY, FILES);
  const commit = place.hub.commitOf(REPOSITORY);
  const snapshot = path.join(place.cache, FOLDER, 'snapshots', commit);
  expect(paths).toEqual(FILES.map((file) => path.join(snapshot, file)));
  for (const [i, content] of [weights, config, vocabulary].entries()) expect(readFileSync(paths[i] as string).equals(content)).toBe(true);
  expect(readlinkSync(paths[0] as string)).toBe(path.join('..', '..', 'blobs', sha256(weights)));
  expect(readlinkSync(paths[1] as string)).toBe(path.join('..', '..', 'blobs', gitBlob(config)));
  expect(readlinkSync(paths[2] as string)).toBe(path.join('..', '..', '..', '..', 'blobs', gitBlob(vocabulary)));
  expect(readFileSync(path.join(place.cache, FOLDER, 'refs', 'main'), 'utf8')).toBe(commit);
  expect(listing(place.cache)).toEqual(
    [
      ...[sha256(weights), gitBlob(config), gitBlob(vocabulary)].map((etag) => path.join(FOLDER, 'blobs', etag)),
      path.join(FOLDER, 'refs', 'main'),
      ...FILES.map((file) => path.join(FOLDER, 'snapshots', commit, file)),
    ].sort(),
  );
});

test('the same cache as Python makes, byte for byte', async () => {
  await fetchFiles(REPOSITORY, FILES);
  const ours = place.cache;
  const theirs = path.join(place.folder, 'python');
  expect(await askPython([REPOSITORY, ...FILES], { HF_HUB_CACHE: theirs })).toMatchObject({ paths: expect.any(Array) });
  rmSync(path.join(theirs, '.locks'), { recursive: true, force: true });
  expect(listing(ours)).toEqual(listing(theirs));
  for (const name of listing(ours)) {
    const [one, other] = [path.join(ours, name), path.join(theirs, name)];
    expect(readFileSync(one).equals(readFileSync(other))).toBe(true);
    expect(lstatSync(one).isSymbolicLink()).toBe(lstatSync(other).isSymbolicLink());
    expect(lstatSync(one).mode).toBe(lstatSync(other).mode);
    if (lstatSync(one).isSymbolicLink()) expect(readlinkSync(one)).toBe(readlinkSync(other));
  }
});

test('Python finds what was fetched, with no request', async () => {
  const paths = await fetchFiles(REPOSITORY, FILES);
  const asked = place.hub.requests.length;
  expect(await askPython([REPOSITORY, ...FILES, '--offline', '--snapshot', '--scan'])).toEqual({
    cache: place.cache,
    offline: false,
    snapshot: path.dirname(paths[0] as string),
    paths,
    warnings: [],
    repositories: [REPOSITORY],
  });
  expect(await askPython([REPOSITORY, ...FILES], { HF_HUB_OFFLINE: '1' })).toMatchObject({ paths, offline: true });
  expect(place.hub.requests.length).toBe(asked);
});

test('what Python fetched is found, with no request and with HF_HUB_OFFLINE', async () => {
  const { paths } = await askPython([REPOSITORY, ...FILES]);
  const commit = place.hub.commitOf(REPOSITORY);
  const asked = place.hub.requests.length;
  process.env.HF_HUB_OFFLINE = '1';
  expect(await fetchFiles(REPOSITORY, FILES)).toEqual(paths);
  expect(await fetchFiles(REPOSITORY, FILES, { revision: commit })).toEqual(paths);
  expect(await cachedFile(REPOSITORY, FILES[2] as string)).toBe(paths?.[2]);
  expect(place.hub.requests.length).toBe(asked);
});

test('a whole snapshot by Python serves too, and the stand-in is a hub to it', async () => {
  const { snapshot, error } = await askPython([REPOSITORY, '--snapshot']);
  expect(error).toBeUndefined();
  expect(await fetchFiles(REPOSITORY, FILES)).toEqual(FILES.map((file) => path.join(snapshot as string, file)));
});

test('the facts about a repository are its commit and its files', async () => {
  const commit = place.hub.commitOf(REPOSITORY);
  expect(await repositoryInfo(REPOSITORY)).toEqual({ commit, files: [...FILES].sort() });
  expect(await repositoryInfo(REPOSITORY, { revision: commit })).toMatchObject({ commit });
});

test('nothing is fetched twice: neither a file nor a content that a newer commit still has', async () => {
  await fetchFiles(REPOSITORY, FILES);
  const { length } = place.hub.requests;
  const before = place.hub.bytesSent;
  const old = place.hub.commitOf(REPOSITORY);
  const newer = place.write(REPOSITORY, 'config.json', Buffer.from('{"width": 16}'));
  place.write(REPOSITORY, 'again.safetensors', weights);
  // main is known, and all is there.
  await fetchFiles(REPOSITORY, FILES);
  expect(place.hub.requests.length).toBe(length);
  const paths = await fetchFiles(REPOSITORY, [...FILES, 'again.safetensors']);
  expect(place.hub.commitOf(REPOSITORY)).not.toBe(old);
  expect(paths.every((file) => file.includes(place.hub.commitOf(REPOSITORY)))).toBe(true);
  expect(readFileSync(paths[1] as string).equals(newer)).toBe(true);
  expect(readFileSync(paths[3] as string).equals(weights)).toBe(true);
  expect(place.hub.bytesSent - before).toBe(newer.length);
  expect(readFileSync((await cachedFile(REPOSITORY, 'config.json', { revision: old })) as string).equals(config)).toBe(true);
});

test('progress is told to its end, and a listener that throws changes nothing', async () => {
  const told: Record<string, number[]> = {};
  await fetchFiles(REPOSITORY, FILES, {
    onProgress(file, done, total) {
      told[file] = [...(told[file] ?? []), done, total];
      throw new Error('of the listener');
    },
  });
  expect(told['weights.safetensors']?.slice(-2)).toEqual([weights.length, weights.length]);
  expect(told['weights.safetensors']?.filter((_, i) => i % 2 === 1)).toContain(weights.length);
  expect(Object.keys(told).sort()).toEqual([...FILES].sort());
});

describe('what is not whole is not taken', () => {
  test.each<[string, (file: string, blob: string) => void]>([
    ['a link to nothing', (_, blob) => unlinkSync(blob)],
    ['an emptied file', (_, blob) => truncateSync(blob, 0)],
    ['no snapshot', (file) => rmSync(path.dirname(file), { recursive: true })],
  ])('%s', async (_, damage) => {
    const [file] = (await fetchFiles(REPOSITORY, ['weights.safetensors'])) as [string];
    damage(file, path.join(place.cache, FOLDER, 'blobs', sha256(weights)));
    expect(await cachedFile(REPOSITORY, 'weights.safetensors')).toBeUndefined();
    expect(await fetchFiles(REPOSITORY, ['weights.safetensors'])).toEqual([file]);
    expect(readFileSync(file).equals(weights)).toBe(true);
  });

  test('a blob of another size, where the snapshot asks for it', async () => {
    const [file] = (await fetchFiles(REPOSITORY, ['weights.safetensors'])) as [string];
    truncateSync(path.join(place.cache, FOLDER, 'blobs', sha256(weights)), 1000);
    unlinkSync(file);
    await fetchFiles(REPOSITORY, ['weights.safetensors']);
    expect(readFileSync(file).equals(weights)).toBe(true);
  });

  test('a file of no bytes is whole', async () => {
    place.write(REPOSITORY, 'empty.txt', Buffer.alloc(0));
    const [file] = (await fetchFiles(REPOSITORY, ['empty.txt'])) as [string];
    expect(statSync(file).size).toBe(0);
    expect(await cachedFile(REPOSITORY, 'empty.txt')).toBe(file);
  });
});

test("Python's own incomplete file is left alone", async () => {
  await fetchFiles(REPOSITORY, ['config.json']);
  const theirs = path.join(place.cache, FOLDER, 'blobs', `${sha256(weights)}.incomplete`);
  writeFileSync(theirs, 'what Python has so far');
  const [file] = (await fetchFiles(REPOSITORY, ['weights.safetensors'])) as [string];
  expect(readFileSync(file).equals(weights)).toBe(true);
  expect(readFileSync(theirs, 'utf8')).toBe('what Python has so far');
});
