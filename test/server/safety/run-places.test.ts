/** Where runs that clients submit may write, whatever the fields of their bodies are. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Fleet } from '../../../lib/fleet/redis/connect';
import { RunRecords } from '../../../lib/fleet/runs/records';
import { toRefusal } from '../../../lib/server/answers/to-refusal';
import { FleetLink } from '../../../lib/server/fleet/link';
import { submitBody } from '../../../lib/server/fleet/submit';
import { RunPlaces } from '../../../lib/server/safety/run-places';
import { TestRedis } from '../../fleet/support/redis';

jest.mock('../../../lib/fleet/store', () => ({
  ...jest.requireActual('../../../lib/fleet/store'),
  // No bucket is there.
  openStore: async () => ({ check: async () => {}, close: () => {} }),
}));

let folder: string;
let redis: TestRedis;
let fleet: Fleet;
let link: FleetLink;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'places-')));
  for (const name of ['set', 'out', 'private']) mkdirSync(path.join(folder, name));
  redis = await TestRedis.start();
  fleet = await Fleet.connect({ url: redis.url });
  link = new FleetLink({ url: redis.url, warn: () => {} });
});
afterAll(async () => {
  link?.[Symbol.dispose]();
  fleet?.close();
  await redis?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)] as T;
const ROOTS = [
  'https://host.example/sets',
  'HTTPS://host.example/sets',
  'http://host.example/sets',
  's3://bucket/results',
  'S3://bucket/results',
];
const OTHERS = [
  'https://elsewhere.example',
  's3://others',
  'file:///tmp',
  'ftp://host.example/sets',
  'gs://bucket/results',
  'relative',
  '',
];

/** Often one that is allowed. */
function place(name: string): string {
  const root = pick([
    path.join(folder, 'out'),
    ...Array(4).fill('s3://bucket/results'),
    path.join(folder, 'out'),
    ...ROOTS,
    ...OTHERS,
    path.join(folder, 'private'),
    folder,
  ]);
  return pick([`${root}/${name}`, `${root}/${name}`, `${root}/a/b/${name}`, `${root}/../${name}`, `${root}/./${name}`]);
}

function maybe<T extends object>(share: number, made: () => T): T | object {
  return Math.random() < share ? made() : {};
}

function inputs(): string[] {
  const set = path.join(folder, 'set');
  return pick([[set], [set, path.join(folder, 'out')], ['https://host.example/sets/a.png'], ['https://host.example/sets/a.png', set]]);
}

test.each([
  ['folders', () => [path.join(folder, 'set'), path.join(folder, 'out'), 'https://host.example/sets', 's3://bucket/results']],
  ['addresses alone', () => ['https://host.example/sets', 's3://bucket/results']],
])('with %s, nothing is written elsewhere', async (_, told) => {
  const rounds = 800 / told().length;
  const places = new RunPlaces(told());
  const allowed = told()
    .filter((each) => !each.startsWith('https:'))
    .map((each) => `${each}/`);
  const records = new RunRecords(fleet);
  let submitted = 0;
  for (let round = 0; round < rounds; round += 1) {
    const body = {
      inputs: told().length === 2 ? ['https://host.example/sets/a.png'] : inputs(),
      task: { kind: 'interrogate', modes: ['fast'] },
      ...maybe(0.6, () => ({ out: Array.from({ length: pick([1, 1, 2]) }, (_, i) => place(`x${i}.jsonl`)) })),
      ...maybe(0.2, () => ({ report: place('r.html') })),
      ...maybe(0.3, () => ({ sidecar: Math.random() < 0.5 ? {} : { folder: place('texts') } })),
      ...maybe(0.1, () => ({ embed: 'xmp' })),
      ...maybe(0.3, () => ({ state: place('state') })),
    } as Parameters<typeof submitBody>[0];
    const models = { clip: () => 'sample', caption: () => 'sample' };
    const signal = new AbortController().signal;
    const id = await submitBody(body, { link, places, models, signal, onSubmitted: () => {} }).catch((error: unknown) => {
      const { status, message } = toRefusal(error);
      expect({ body, message, isRefused: status === 400 || status === 403 }).toEqual({ body, message, isRefused: true });
      return undefined;
    });
    if (id === undefined) continue;
    submitted += 1;
    const { out, report, sidecar, marks, state } = (await records.read(id)).spec;
    const written = [...out, report, sidecar?.folder, marks, state].filter((each) => each !== undefined);
    const outside = written.filter((each) => !allowed.some((root) => `${each}/`.startsWith(root)));
    expect({ body, outside }).toEqual({ body, outside: [] });
  }
  expect(submitted).toBeGreaterThan(0);
});

test.each<[what: string, body: object]>([
  ['an output', { out: ['https://host.example/sets/x.jsonl'] }],
  ['a report', { report: 'https://host.example/sets/x.html' }],
  ['a state', { state: 'https://host.example/sets/state' }],
  ['a folder of texts', { sidecar: { folder: 'https://host.example/sets/texts' } }],
  ['a folder of texts in a bucket', { sidecar: { folder: 's3://bucket/results/texts' } }],
])('%s where nothing can be written is refused, and the hint says where it can', async (_, body) => {
  const places = new RunPlaces([folder, 'https://host.example/sets', 's3://bucket/results']);
  const models = { clip: () => 'sample', caption: () => 'sample' };
  const asked = { inputs: [folder], out: [path.join(folder, 'out', 'x.jsonl')], ...body } as Parameters<typeof submitBody>[0];
  const refused = submitBody(asked, { link, places, models, signal: new AbortController().signal, onSubmitted: () => {} });
  await expect(refused).rejects.toMatchObject({ status: 400, code: 'ERR_BODY_INVALID', hint: expect.stringMatching(/path|folder/) });
});

test('a bucket’s names are taken as they are written', async () => {
  const places = new RunPlaces(['s3://bucket/my set/50%20']);
  for (const name of ['x.jsonl', 'a b.jsonl', 'ü #1?.jsonl', 'a%20b.jsonl']) {
    expect(await places.output(`s3://bucket/my set/50%20/${name}`)).toBe(`s3://bucket/my set/50%20/${name}`);
  }
  const others = [
    'my%20set/50%20/x',
    'my set/50 /x',
    'my set/50%20/../x',
    'my set/50%20/%2e%2e/x',
    'my set/50%20/a\tb',
    'my set/50%2\n0/x',
  ];
  for (const name of others) await expect(places.output(`s3://bucket/${name}`)).rejects.toMatchObject({ status: 403 });
});
