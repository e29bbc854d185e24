/** A run whose results and outputs are in a bucket, and only its pictures in a folder. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { openStore } from '../../lib/fleet/store';
import { makePictureSet } from '../run/support/picture-set';
import { BUCKET, openTo, START_MS, setAws, TestObjectStore } from './store/support/object-store';
import { FleetSession } from './support/session';

let bucket: TestObjectStore;
let session: FleetSession;
let reset: () => void;
beforeAll(async () => {
  bucket = await TestObjectStore.start();
  // Commands and workers have it from this process.
  reset = setAws(openTo(bucket.url));
  session = await FleetSession.start();
  await makePictureSet(path.join(session.folder, 'set'), 60, 3);
}, START_MS);
afterAll(async () => {
  await session.end();
  reset();
  await bucket.stop();
});

test('the bucket has what one machine writes, and nothing else', async () => {
  const local = await session.local('set', '--mode', 'caption', '--out', 'local/a.jsonl', '--out', 'local/a.csv');
  expect(local.code).toBe(1);
  const outs = ['--out', `s3://${BUCKET}/out/a.jsonl`, '--out', `s3://${BUCKET}/out/a.csv`];
  const id = await session.submit('set', '--mode', 'caption', '--shard-size', '10', ...outs);
  session.startWorker();
  session.startWorker();
  expect(await session.watch(id)).toMatchObject({ code: 1, total: 60, summary: { written: [outs[1], outs[3]] } });
  const store = await openStore(`s3://${BUCKET}/out`);
  try {
    for (const name of ['a.jsonl', 'a.csv']) {
      expect(await text(await store.read(name))).toBe(readFileSync(path.join(session.folder, 'local', name), 'utf8'));
    }
    const names = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const name of store.list('')) found.push(name.replace(id, 'ID'));
      return found;
    };
    // Of a run with failures the shards stay, for another try.
    expect(await names()).toContain('.torch-interrogator/ID/shards/0000000.0.jsonl');
    await session.fleet('remove', id);
    expect(await names()).toEqual(['a.csv', 'a.jsonl']);
  } finally {
    store.close();
  }
}, 60_000);

test('a bucket that is not there is told of when the run is submitted', async () => {
  const refused = await session.fleet(
    'submit',
    'set',
    '--mode',
    'caption',
    '--out',
    's3://no-such-bucket/a.jsonl',
    '--clip',
    'sample',
    '--caption',
    'sample',
  );
  expect(refused).toMatchObject({ stdout: '', stderr: expect.stringContaining('no-such-bucket') });
  expect(refused.code).toBe(1);
});
