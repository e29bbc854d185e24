/** Every method of the addon × {wrong arguments, closed handles, a closed device} × {idle, while a job runs, in a worker}. */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { NativeBinding, NativeDevice } from '../../lib/native/types';
import { tinyBlip, tinyClip } from '../support/bundles';
import { manyTexts, nativeFiles, openBinding } from '../support/native';
import { METHODS, openAll, outcome, tryWrongArguments } from './every-method.cjs';

const NAMES = Object.keys(METHODS);
let binding: NativeBinding;
let folders: { clip: string; caption: string };
let handles: Awaited<ReturnType<typeof openAll>>;

beforeAll(async () => {
  folders = { clip: await tinyClip(), caption: await tinyBlip() };
  binding = await openBinding();
  handles = await openAll(binding, folders);
}, 600_000);

afterAll(() => handles?.device.close());

const argumentsOf = (name: string, of = handles): unknown[] => METHODS[name]?.(of) ?? [];

describe('wrong arguments are refused with a code, or answered', () => {
  test.each(NAMES)('%s', async (name) => {
    const { tried, faults } = await tryWrongArguments(handles, name);
    expect(faults).toEqual([]);
    const count = argumentsOf(name).length;
    expect(tried).toBeGreaterThanOrEqual(60 * count);
  });

  test('while a job runs', async () => {
    const token = binding.createCancelToken();
    const long = handles.clip.textFeatures(manyTexts(50_000), token).catch(() => {});
    for (const name of NAMES) expect((await tryWrongArguments(handles, name)).faults).toEqual([]);
    token.cancel();
    await long;
  }, 60_000);

  test('in a worker thread', async () => {
    const worker = new Worker(path.join(__dirname, 'every-method.cjs'), {
      workerData: { everyMethod: { files: nativeFiles(), folders } },
    });
    const results = await new Promise<{ tried: number; faults: string[] }[]>((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
    });
    expect(results).toHaveLength(NAMES.length);
    expect(results.flatMap(({ faults }) => faults)).toEqual([]);
  }, 60_000);
});

describe('on an object that is none of its handles a method throws', () => {
  test.each(NAMES.filter((name) => !name.startsWith('binding.')))('%s', (name) => {
    const [owner, method] = name.replace('!', '').split('.') as [string, string];
    for (const other of [...Object.values(handles), {}, null, 5, Object.create(handles[owner]), new Proxy(handles[owner], {})]) {
      if (other === handles[owner]) continue;
      expect(() => handles[owner][method].call(other, ...argumentsOf(name))).toThrow();
    }
  });
});

/** Which of the handles a method needs to be open: the one that it belongs to, and those among its arguments. */
function needs(name: string): string[] {
  const args = argumentsOf(name).flat();
  return Object.keys(handles).filter(
    (key) => key !== 'token' && key !== 'binding' && (name.startsWith(`${key}.`) || args.includes(handles[key])),
  );
}

describe('after close()', () => {
  test.each(
    NAMES.flatMap((name) => ['image', 'features', 'matrix', 'tree', 'clip', 'caption', 'device'].map((kind) => [name, kind] as const)),
  )('%s with a closed %s', async (name, kind) => {
    if (!needs(name).includes(kind)) return;
    const own = await openAll(binding, folders);
    await Promise.all([own[kind].close(), own[kind].close()]);
    await own[kind].close();
    expect(await outcome(own, name, argumentsOf(name, own))).toMatchObject({ code: 'ERR_DISPOSED' });
    await (own.device as NativeDevice).close();
  });

  test('calls that run answer all the same', async () => {
    const own = await openAll(binding, folders);
    const calls = NAMES.filter((name) => !/open|checkWeights|LabelMatrix|!/.test(name)).map((name) =>
      outcome(own, name, argumentsOf(name, own)),
    );
    for (const kind of ['image', 'features', 'matrix', 'tree']) own[kind].close();
    const closed = [own.clip.close(), own.caption.close()];
    for (const error of await Promise.all(calls)) expect(error).toBeUndefined();
    await Promise.all(closed);
    await own.device.close();
  });

  test('what is known of a handle stays known', async () => {
    const own = await openAll(binding, folders);
    const known = () => [
      own.image.width,
      own.features.rows,
      own.features.dim,
      own.matrix.rows,
      own.matrix.hash,
      own.tree.count,
      own.clip.embedDim,
    ];
    const before = known();
    for (const kind of ['image', 'features', 'matrix', 'tree', 'clip']) await own[kind].close();
    expect(known()).toEqual(before);
    await own.device.close();
  });
});
