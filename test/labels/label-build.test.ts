/** Tables that are built in parts: interrupted in every way, waited for, and never different from those that are built at once. */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConfigInput, Interrogator, LabelTable, type ProgressEvent } from '../../lib';
import type { Clip } from '../../lib/engine/clip';
import { PART_LIMITS } from '../../lib/labels/label-build';
import { tinyClip } from '../support/bundles';
import { phrases } from '../support/phrases';

const LIMITS = { ...PART_LIMITS };
const LABELS = phrases(620);
/** Parts of 50 labels, and a last one that takes up the rest. */
const PARTS = [...Array.from({ length: 11 }, () => 50), 70];
const FILE = 'tiny-clip__things.safetensors';

let work: string;
let settings: ConfigInput;
/** The file of LABELS that an uninterrupted build at once makes. */
let expected: Buffer;

beforeAll(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'label-build-'));
  settings = { clipModelName: await tinyClip(), captionModelName: null, device: 'cpu', quiet: true };
  expected = (await built(freshCache(), { whole: Number.POSITIVE_INFINITY })).file as Buffer;
}, 600_000);
beforeEach(() => void Object.assign(PART_LIMITS, { whole: 100, least: 50, seconds: 0 }));
afterEach(() => {
  Object.assign(PART_LIMITS, LIMITS);
  jest.restoreAllMocks();
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const freshCache = (): string => mkdtempSync(path.join(work, 'cache-'));
const foldersIn = (cache: string): string[] => readdirSync(cache).filter((name) => name.endsWith('.parts'));
const partsIn = (cache: string): string[] => foldersIn(cache).flatMap((folder) => readdirSync(path.join(cache, folder)));
const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

interface Stop {
  /** Parts that are done when the build is stopped. */
  after: number;
  by: (interrogator: Interrogator, controller: AbortController) => unknown;
}

const abort: Stop['by'] = (_, controller) => controller.abort();

/** What became of a build: how many labels were encoded, call by call, what was told, the file that was kept. */
async function built(
  cachePath: string,
  { whole, labels = LABELS, config, stop }: { whole?: number; labels?: string[]; config?: ConfigInput; stop?: Stop } = {},
) {
  if (whole !== undefined) PART_LIMITS.whole = whole;
  const interrogator = await Interrogator.create({ ...settings, cachePath, ...config });
  const controller = new AbortController();
  const encoded: number[] = [];
  const events: ProgressEvent[] = [];
  onEncoding(interrogator.engine.clip, (count) => {
    // Three labels of a file that is there are encoded to see whether it is of this model.
    if (count <= 3) return;
    if (encoded.length === stop?.after) stop.by(interrogator, controller);
    else encoded.push(count);
  });
  const onProgress = (event: ProgressEvent): unknown => events.push(event);
  const created = LabelTable.create(labels, 'things', interrogator, { signal: controller.signal, onProgress });
  const error = await created.then(
    () => undefined,
    (error: { code: string }) => error.code,
  );
  await interrogator.dispose();
  const file = path.join(cachePath, FILE);
  return { encoded, events, error, file: existsSync(file) ? readFileSync(file) : undefined };
}

function onEncoding(clip: Clip, tell: (count: number) => void): void {
  const encode = clip.tokenFeatures.bind(clip);
  jest.spyOn(clip, 'tokenFeatures').mockImplementation((tokens, ...rest) => {
    tell(tokens.length);
    return encode(tokens, ...rest);
  });
}

async function warnings(run: () => Promise<unknown>): Promise<string[]> {
  const emit = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  try {
    await run();
    return emit.mock.calls.map(([, options]) => (options as { code: string }).code);
  } finally {
    emit.mockRestore();
  }
}

test('a big table is built in parts, to the same bytes, and nothing else stays', async () => {
  const cache = freshCache();
  const { encoded, file, events } = await built(cache);
  expect(encoded).toEqual(PARTS);
  expect(file?.equals(expected)).toBe(true);
  expect(readdirSync(cache)).toEqual([FILE]);
  const done = events.map(({ done }) => done);
  expect(done).toEqual([...done].sort((a, b) => a - b));
  expect(events.at(-1)).toEqual({ stage: 'labels things', done: 620, total: 620 });
});

test('a small table is built at once', async () => {
  expect((await built(freshCache(), { whole: 620 })).encoded).toEqual([620]);
});

test('parts become as large as the time allows, and not larger than the most', async () => {
  Object.assign(PART_LIMITS, { seconds: 3600 });
  expect((await built(freshCache())).encoded).toEqual([50, 570]);
  Object.assign(PART_LIMITS, { most: 200 });
  expect((await built(freshCache())).encoded).toEqual([50, 200, 200, 170]);
});

test.each<[string, string, Stop['by']]>([
  ['aborted', 'ERR_ABORTED', abort],
  ['ended by a disposal', 'ERR_DISPOSED', (interrogator) => void interrogator.dispose()],
])('a build that was %s goes on where it was', async (_, code, by) => {
  const cache = freshCache();
  const first = await built(cache, { stop: { after: 4, by } });
  expect([first.error, first.encoded, first.file]).toEqual([code, PARTS.slice(0, 4), undefined]);
  expect(partsIn(cache)).toHaveLength(4);
  const second = await built(cache, { stop: { after: 3, by } });
  expect(second.encoded).toEqual(PARTS.slice(4, 7));
  const third = await built(cache);
  expect(third.encoded).toEqual(PARTS.slice(7));
  expect(third.file?.equals(expected)).toBe(true);
  expect(readdirSync(cache)).toEqual([FILE]);
  // What was there is told of, before anything is made.
  expect(third.events.filter(({ done }) => done <= 350).map(({ done }) => done)).toEqual([50, 100, 150, 200, 250, 300, 350]);
});

describe('a part', () => {
  const interrupted = async (config: ConfigInput = {}): Promise<{ cache: string; folder: string }> => {
    const cache = freshCache();
    await built(cache, { config, stop: { after: 4, by: abort } });
    return { cache, folder: path.join(cache, foldersIn(cache)[0] as string) };
  };

  test.each<[string, (file: string) => void]>([
    [
      'with a flipped bit',
      (file) => {
        const bytes = readFileSync(file);
        bytes[bytes.length - 100] = (bytes[bytes.length - 100] as number) ^ 4;
        writeFileSync(file, bytes);
      },
    ],
    ['cut off', (file) => writeFileSync(file, readFileSync(file).subarray(0, 500))],
    ['that is empty', (file) => writeFileSync(file, '')],
    [
      'that is a folder',
      (file) => {
        rmSync(file);
        mkdirSync(file);
      },
    ],
    ['of other labels', (file) => writeFileSync(file, readFileSync(file.replace('100-150', '0-50')))],
  ])('%s is made again, the others are not', async (_, damage) => {
    const { cache, folder } = await interrupted();
    damage(path.join(folder, '100-150.safetensors'));
    const { encoded, file } = await built(cache);
    expect(encoded).toEqual([50, ...PARTS.slice(4)]);
    expect(file?.equals(expected)).toBe(true);
    expect(readdirSync(cache)).toEqual([FILE]);
  });

  test('of other weights under the same name is made again', async () => {
    const { cache } = await interrupted({ clipModelName: await tinyClip({ seed: 99 }) });
    expect(partsIn(cache)).toHaveLength(4);
    const { encoded, file } = await built(cache);
    expect(encoded).toEqual(PARTS);
    expect(file?.equals(expected)).toBe(true);
  });

  test('of other labels under the same name is left alone, until nobody can want it any more', async () => {
    const { cache, folder } = await interrupted();
    await built(cache, { labels: LABELS.slice(1) });
    expect(partsIn(cache)).toHaveLength(4);
    const longAgo = Date.now() / 1000 - 8 * 24 * 3600;
    utimesSync(folder, longAgo, longAgo);
    await built(cache, { labels: LABELS.slice(2) });
    expect(foldersIn(cache)).toEqual([]);
  });

  test('that lies beside a whole file is removed', async () => {
    const { cache, folder } = await interrupted();
    writeFileSync(path.join(cache, FILE), expected);
    expect((await built(cache)).encoded).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  });
});

describe('a folder', () => {
  test('that cannot be written costs a warning, not the answer', async () => {
    let made: Awaited<ReturnType<typeof built>> | undefined;
    expect(await warnings(async () => (made = await built('/proc')))).toEqual(['ERR_IO']);
    expect([made?.error, total(made?.encoded ?? [])]).toEqual([undefined, 620]);
  });

  test('that takes no more after some parts costs a warning, not the answer, and no label is encoded twice', async () => {
    const cache = freshCache();
    const interrogator = await Interrogator.create({ ...settings, cachePath: cache });
    const { binding, clip } = interrogator.engine;
    const encoded: number[] = [];
    onEncoding(clip, (count) => encoded.push(count));
    const write = binding.writeLabelMatrix;
    let writes = 0;
    const full = Object.assign(new Error('no space left'), { code: 'ERR_IO' });
    jest.spyOn(binding, 'writeLabelMatrix').mockImplementation((...args) => (++writes > 4 ? Promise.reject(full) : write(...args)));
    let table: LabelTable | undefined;
    expect(await warnings(async () => (table = await LabelTable.create(LABELS, 'things', interrogator)))).toEqual(['ERR_IO']);
    expect(encoded).toEqual(PARTS);
    const memory = await LabelTable.create(LABELS, null, interrogator);
    const text = await interrogator.textToFeatures(['a boat']);
    expect(await table?.rankScored(text, { topCount: 620 })).toEqual(await memory.rankScored(text, { topCount: 620 }));
    await interrogator.dispose();
    // What could be kept is used when there is space again.
    expect(total((await built(cache)).encoded)).toBe(620 - 4 * 50);
  });
});

describe('at the same time', () => {
  test('of two interrogators one builds, the other waits, tells so, and reads the file', async () => {
    const cache = freshCache();
    const both = await Promise.all([built(cache), built(cache)]);
    expect(both.map(({ encoded }) => total(encoded)).sort()).toEqual([0, 620]);
    const [waited] = both.filter(({ encoded }) => encoded.length === 0);
    expect(waited?.events.length).toBeGreaterThan(0);
    for (const { stage, total } of waited?.events ?? []) expect([stage, total]).toEqual(['waiting for labels things', 620]);
    expect(readdirSync(cache)).toEqual([FILE]);
  });

  test('one that waits is ended at once by its signal, and the other goes on', async () => {
    const cache = freshCache();
    const [builds, waits] = await Promise.all([
      Interrogator.create({ ...settings, cachePath: cache }),
      Interrogator.create({ ...settings, cachePath: cache }),
    ]);
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const { clip } = builds.engine;
    const encode = clip.tokenFeatures.bind(clip);
    const begun = new Promise<void>((resolve) => {
      jest.spyOn(clip, 'tokenFeatures').mockImplementation(async (...args) => {
        resolve();
        await held;
        return encode(...args);
      });
    });
    const making = LabelTable.create(LABELS, 'things', builds);
    await begun;
    const controller = new AbortController();
    let created: Promise<unknown> = Promise.resolve();
    await new Promise<void>((resolve) => {
      created = LabelTable.create(LABELS, 'things', waits, { signal: controller.signal, onProgress: () => resolve() });
      created.catch(() => {});
    });
    // It is told that it waits, and does.
    await sleep(300);
    const started = performance.now();
    controller.abort();
    await expect(created).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(performance.now() - started).toBeLessThan(100);
    // Nor does anything of it wait any more.
    await waits.dispose();
    expect(performance.now() - started).toBeLessThan(200);
    goOn();
    expect((await making).length).toBe(620);
    await builds.dispose();
    expect(readdirSync(cache)).toEqual([FILE]);
  });
});

describe('processes', () => {
  const COUNT = 8000;
  interface Builder {
    child: ChildProcess;
    events: (ProgressEvent & { best?: string[] })[];
    ended: Promise<number | null>;
  }
  const start = (cache: string, log: string): Builder => {
    const child = fork(path.join(__dirname, '..', 'support', 'labels-process.cjs'), [cache, String(COUNT), log]);
    const events: Builder['events'] = [];
    child.on('message', (event: Builder['events'][number]) => events.push(event));
    return { child, events, ended: new Promise((resolve) => child.once('close', resolve)) };
  };
  const counts = (log: string): number[] => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean).map(Number) : []);
  const sampleFile = (cache: string): Buffer => readFileSync(path.join(cache, 'sample_phrases.safetensors'));

  let whole: Buffer;
  beforeAll(async () => {
    const cache = freshCache();
    Object.assign(PART_LIMITS, { whole: Number.POSITIVE_INFINITY });
    const interrogator = await Interrogator.create({ ...settings, clipModelName: 'sample', cachePath: cache });
    await LabelTable.create(phrases(COUNT), 'phrases', interrogator);
    await interrogator.dispose();
    whole = sampleFile(cache);
  });

  test('a build that is killed three times ends with little done twice, and the same file', async () => {
    const cache = freshCache();
    const log = path.join(work, 'killed');
    for (const share of [0.25, 0.5, 0.75]) {
      const { child, ended } = start(cache, log);
      const until = (share - 0.2 * Math.random()) * COUNT;
      while (total(counts(log)) < until) await sleep(2);
      await sleep(30 * Math.random());
      child.kill('SIGKILL');
      await ended;
      expect(existsSync(path.join(cache, 'sample_phrases.safetensors'))).toBe(false);
      // That a lock is taken over takes its time, once is enough.
      const lock = readdirSync(cache).find((name) => name.endsWith('.lock')) as string;
      if (share < 0.75) rmSync(path.join(cache, lock));
    }
    const last = start(cache, log);
    expect(await last.ended).toBe(0);
    expect(total(counts(log))).toBeGreaterThanOrEqual(COUNT);
    expect(total(counts(log))).toBeLessThanOrEqual(1.1 * COUNT);
    expect(sampleFile(cache).equals(whole)).toBe(true);
    expect(readdirSync(cache)).toEqual(['sample_phrases.safetensors']);
    expect(last.events[0]?.stage).toBe('waiting for labels phrases');
  });

  test('of two that build the same table one does, the other waits', async () => {
    const cache = freshCache();
    const logs = [path.join(work, 'one'), path.join(work, 'two')];
    const both = logs.map((log) => start(cache, log));
    expect(await Promise.all(both.map(({ ended }) => ended))).toEqual([0, 0]);
    const sums = logs.map((log) => total(counts(log))).sort((a, b) => a - b);
    // The few of the check, and the text that the table is ranked for.
    expect(sums[0]).toBeLessThan(10);
    expect(sums[1]).toBeLessThan(COUNT + 10);
    const [one, two] = both.map(({ events }) => events.at(-1)?.best);
    expect(one).toHaveLength(3);
    expect(one).toEqual(two);
    expect(sampleFile(cache).equals(whole)).toBe(true);
    expect(readdirSync(cache)).toEqual(['sample_phrases.safetensors']);
  });
});
