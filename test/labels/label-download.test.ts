/** Ready label embeddings from the network: when they are asked for, what is taken, and what is made instead. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ConfigInput, Interrogator, LabelTable } from '../../lib';
import { makePlace, type Place } from '../hub/place';
import { tinyClip } from '../support/bundles';

const LABELS = Array.from(
  { length: 60 },
  (_, i) =>
    `${['red', 'green', 'blue', 'cold', 'warm', 'tiny'][i % 6]} ${['cat', 'sea', 'road', 'hat', 'tower', 'tree', 'hill', 'lamp', 'boat', 'star'][Math.floor(i / 6)]}`,
);

let work: string;
let settings: ConfigInput;

beforeAll(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'labels-'));
  settings = { clipModelName: await tinyClip(), captionModelName: null, device: 'cpu', cachePath: path.join(work, 'cache'), quiet: true };
}, 600_000);

afterAll(() => {
  rmSync(work, { recursive: true, force: true });
});

async function withSettings<T>(other: ConfigInput, run: (interrogator: Interrogator) => Promise<T>): Promise<T> {
  await using interrogator = await Interrogator.create({ ...settings, ...other });
  return await run(interrogator);
}

const freshCache = (): string => mkdtempSync(path.join(work, 'cache-'));

describe('download', () => {
  let server: Server;
  let asked: string[];
  let body: (url: string) => Buffer | undefined;
  let bundle: string;

  beforeAll(async () => {
    // The same weights under a catalog's name: only those are asked for.
    bundle = path.join(work, 'published');
    cpSync(settings.clipModelName as string, bundle, { recursive: true });
    const file = path.join(bundle, 'manifest.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    manifest.name = 'ViT-B-32/openai';
    manifest.source.weights = 'hub';
    writeFileSync(file, JSON.stringify(manifest));
    server = createServer((request, response) => {
      asked.push(request.url as string);
      const answer = body(request.url as string);
      response.writeHead(answer ? 200 : 404).end(answer ?? '<html>not here</html>');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
  });
  afterAll(() => void server.close());
  beforeEach(() => {
    asked = [];
  });

  const create = async (cachePath: string, other: ConfigInput = {}): Promise<string[]> => {
    const { port } = server.address() as AddressInfo;
    return withSettings({ clipModelName: bundle, cachePath, cacheUrl: `http://127.0.0.1:${port}/base`, ...other }, async (interrogator) => {
      const stages: string[] = [];
      await LabelTable.create(LABELS, 'things', interrogator, { onProgress: ({ stage }) => stages.push(stage) });
      return [...new Set(stages)];
    });
  };
  const FILE = 'ViT-B-32_openai_things.safetensors';

  test('a ready file is fetched, kept, and used without encoding', async () => {
    const source = freshCache();
    await create(source, { downloadCache: false });
    expect(asked).toEqual([]);
    const bytes = readFileSync(path.join(source, FILE));
    body = () => bytes;
    const cache = freshCache();
    expect(await create(cache)).toEqual(['download']);
    expect(asked).toEqual([`/base/${FILE}`]);
    expect(readdirSync(cache)).toEqual([FILE]);
    expect(await create(cache)).toEqual([]);
    expect(asked).toHaveLength(1);
  });

  test.each<[string, () => Buffer | undefined]>([
    ['is not there', () => undefined],
    ['is an HTML page', () => Buffer.from('<html>sign in</html>')],
  ])('a file that %s is quietly replaced by our own', async (_, answer) => {
    body = answer;
    const cache = freshCache();
    expect(await create(cache)).toContain('labels things');
    expect(readdirSync(cache)).toEqual([FILE]);
    expect(readFileSync(path.join(cache, FILE)).subarray(8, 9).toString()).toBe('{');
  });

  test('a download that breaks off is continued, by the next process too', async () => {
    const source = freshCache();
    await create(source, { downloadCache: false });
    const bytes = readFileSync(path.join(source, FILE));
    const half = Math.floor(bytes.length / 2);
    const ranges: (string | undefined)[] = [];
    const cuts = [half, half + 10];
    const breaking = createServer(({ headers: { range } }, response) => {
      ranges.push(range);
      const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
      const to = cuts.shift() ?? bytes.length;
      response.writeHead(range ? 206 : 200, { 'content-length': bytes.length - from, etag: '"a"' });
      response.write(bytes.subarray(from, to), () => (to < bytes.length ? setTimeout(() => response.destroy(), 50) : response.end()));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => breaking.once('listening', resolve));
    const cache = freshCache();
    // As a process leaves it that was killed.
    writeFileSync(path.join(cache, `${FILE}.incomplete`), bytes.subarray(0, 100));
    writeFileSync(path.join(cache, `${FILE}.incomplete.version`), '"a"');
    const cacheUrl = `http://127.0.0.1:${(breaking.address() as AddressInfo).port}/`;
    expect(await create(cache, { cacheUrl })).toEqual(['download']);
    expect(ranges).toEqual(['bytes=100-', `bytes=${half}-`, `bytes=${half + 10}-`]);
    expect(readdirSync(cache)).toEqual([FILE]);
    breaking.close();
  });

  test('HF_HUB_OFFLINE keeps them from being asked for', async () => {
    process.env.HF_HUB_OFFLINE = '1';
    try {
      expect(await create(freshCache())).toContain('labels things');
      expect(asked).toEqual([]);
    } finally {
      delete process.env.HF_HUB_OFFLINE;
    }
  });

  test.each<[string, ConfigInput]>([
    ['download', { download: false }],
    ['downloadCache', { downloadCache: false }],
  ])('%s: false keeps them from being asked for', async (_, config) => {
    body = () => undefined;
    expect(await create(freshCache(), config)).toContain('labels things');
    expect(asked).toEqual([]);
  });

  describe('from the hub', () => {
    const REPOSITORY = 'pharma/ci-preprocess';
    const TOKEN = 'hf_sesame';
    let place: Place;
    let ready: Buffer;
    beforeAll(async () => {
      const source = freshCache();
      await create(source, { downloadCache: false });
      ready = readFileSync(path.join(source, FILE));
    });
    beforeEach(async () => {
      place = await makePlace({ token: TOKEN, private: [REPOSITORY], largeFrom: 1000 });
      process.env.HF_TOKEN = TOKEN;
      place.write(REPOSITORY, FILE, ready);
    });
    afterEach(() => place.leave());

    const fromHub = (cachePath: string): Promise<string[]> =>
      create(cachePath, { cacheUrl: `https://huggingface.co/${REPOSITORY}/resolve/main/` });

    test("one with a flipped byte is noticed by the hub's hash and fetched again, with the user's token", async () => {
      place.hub.faults.push({ at: 'store', flip: ready.length - 7 });
      const cache = freshCache();
      expect(await fromHub(cache)).toEqual(['download']);
      expect(readFileSync(path.join(cache, FILE)).equals(ready)).toBe(true);
      expect(place.hub.bytesSent).toBe(2 * ready.length);
      expect(place.hub.requests.filter(({ at }) => at === 'hub').every(({ authorization }) => authorization === `Bearer ${TOKEN}`)).toBe(
        true,
      );
      expect(readdirSync(cache)).toEqual([FILE]);
    });

    test('one of another length than the hub declares is not taken', async () => {
      place.hub.faults.push({ at: 'store', longer: 5, times: -1 });
      expect(await fromHub(freshCache())).toContain('labels things');
    });

    test('two at the same time fetch it once', async () => {
      const cache = freshCache();
      place.hub.speed = ready.length;
      expect(await Promise.all([fromHub(cache), fromHub(cache)])).toContainEqual(['download']);
      expect(place.hub.bytesSent).toBe(ready.length);
      expect(readdirSync(cache)).toEqual([FILE]);
    });

    test('what is not there is asked for once, and made', async () => {
      process.env.HF_ENDPOINT = `${place.hub.endpoint}/`;
      rmSync(path.join(place.folder, 'repositories', REPOSITORY, FILE));
      expect(await fromHub(freshCache())).toContain('labels things');
      expect(place.hub.requests.map(({ method }) => method)).toEqual(['HEAD']);
    });
  });

  test("a user's own weights under that name are not asked for", async () => {
    const own = path.join(work, 'own');
    cpSync(bundle, own, { recursive: true });
    const file = path.join(own, 'manifest.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...manifest, source: { ...manifest.source, weights: 'checkpoint' } }));
    body = () => undefined;
    await create(freshCache(), { clipModelName: own });
    await create(freshCache(), { clipModelName: settings.clipModelName });
    expect(asked).toEqual([]);
  });
});
