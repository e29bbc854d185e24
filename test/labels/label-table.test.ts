/** Label tables over a tiny real bundle: ranking, merging, and every state that a cache file can be in. */

import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ConfigInput, type Features, Interrogator, LabelTable } from '../../lib';
import { seal } from '../../lib/labels/label-file';
import { tinyClip } from '../support/bundles';
import { testImage } from '../support/images';
import { runPython } from '../support/python';

const LABELS = Array.from(
  { length: 60 },
  (_, i) =>
    `${['red', 'green', 'blue', 'cold', 'warm', 'tiny'][i % 6]} ${['cat', 'sea', 'road', 'hat', 'tower', 'tree', 'hill', 'lamp', 'boat', 'star'][Math.floor(i / 6)]}`,
);

let work: string;
let settings: ConfigInput;
let ours: Interrogator;
let features: Features;

beforeAll(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'labels-'));
  settings = { clipModelName: await tinyClip(), captionModelName: null, device: 'cpu', cachePath: path.join(work, 'cache'), quiet: true };
  ours = await Interrogator.create(settings);
  features = await ours.imageToFeatures(testImage(1));
}, 600_000);

afterAll(async () => {
  await ours?.dispose();
  rmSync(work, { recursive: true, force: true });
});

async function withSettings<T>(other: ConfigInput, run: (interrogator: Interrogator) => Promise<T>): Promise<T> {
  await using interrogator = await Interrogator.create({ ...settings, ...other });
  return await run(interrogator);
}

const freshCache = (): string => mkdtempSync(path.join(work, 'cache-'));

/** The labels in falling similarity, one by one. */
async function slowRank(labels: readonly string[]): Promise<string[]> {
  const similarities = await ours.similarities(features, labels);
  return labels
    .map((label, i) => ({ label, similarity: similarities[i] as number }))
    .sort((a, b) => b.similarity - a.similarity)
    .map(({ label }) => label);
}

describe('rank', () => {
  test('returns labels in falling similarity', async () => {
    const table = await LabelTable.create(LABELS, null, ours);
    const scored = await table.rankScored(features, { topCount: LABELS.length });
    expect(scored.map(({ label }) => label).sort()).toEqual([...LABELS].sort());
    const exact = await ours.similarities(
      features,
      scored.map(({ label }) => label),
    );
    for (const [i, { similarity }] of scored.entries()) {
      expect(similarity).toBeCloseTo(exact[i] as number, 2);
      if (i > 0) expect(similarity).toBeLessThanOrEqual((scored[i - 1] as { similarity: number }).similarity);
    }
  });

  test('returns one label unless told otherwise, at most all, none of none', async () => {
    const table = await LabelTable.create(LABELS, null, ours);
    expect(await table.rank(features)).toHaveLength(1);
    expect(await table.rank(features, { topCount: 500 })).toHaveLength(LABELS.length);
    expect(await table.rank(features, { topCount: 0 })).toEqual([]);
    expect(await (await LabelTable.create([], null, ours)).rank(features, { topCount: 3 })).toEqual([]);
  });

  test('in reverse begins with the least similar', async () => {
    const table = await LabelTable.create(LABELS, null, ours);
    const up = await table.rankScored(features, { topCount: LABELS.length });
    const down = await table.rankScored(features, { topCount: LABELS.length, reverse: true });
    expect(down[0]?.similarity).toBe(up.at(-1)?.similarity);
    expect(down.at(-1)?.similarity).toBe(up[0]?.similarity);
  });

  test('by quota takes no more than its share from each chunk; globally the true top', async () => {
    // 60 labels in chunks of 20: 3 chunks, int(20 / 3) = 6 kept of each.
    await withSettings({ chunkSize: 20 }, async (other) => {
      const table = await LabelTable.create(LABELS, null, other);
      const features = await other.imageToFeatures(testImage(1));
      const ranked = await table.rank(features, { topCount: 60 });
      expect(ranked).toHaveLength(18);
      for (const start of [0, 20, 40]) {
        expect(ranked.filter((label) => LABELS.slice(start, start + 20).includes(label))).toHaveLength(6);
      }
    });
    await withSettings({ chunkSize: 20, ranking: 'global' }, async (other) => {
      const table = await LabelTable.create(LABELS, null, other);
      const features = await other.imageToFeatures(testImage(1));
      expect(await table.rank(features, { topCount: 60 })).toHaveLength(60);
      expect((await table.rank(features))[0]).toBe((await slowRank(LABELS))[0]);
    });
  });

  test('merged tables rank as one, repeated labels included', async () => {
    const halves = [
      await LabelTable.create(LABELS.slice(0, 25), null, ours),
      await LabelTable.create([], null, ours),
      await LabelTable.create(LABELS.slice(20), null, ours),
    ];
    const merged = LabelTable.merge(halves, ours);
    const whole = await LabelTable.create([...LABELS.slice(0, 25), ...LABELS.slice(20)], null, ours);
    expect(merged.length).toBe(65);
    expect(merged.labels).toEqual(whole.labels);
    expect(await merged.rankScored(features, { topCount: 65 })).toEqual(await whole.rankScored(features, { topCount: 65 }));
  });

  test('tables of another interrogator cannot be merged', async () => {
    await withSettings({}, async (other) => {
      const table = await LabelTable.create(['x'], null, other);
      expect(() => LabelTable.merge([table], ours)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }));
    });
  });

  test.each([
    ['labels', ['a', 3], 'x'],
    ['labels', 'a', 'x'],
    ['name', ['a'], '../x'],
  ])('wrong %s are refused', async (_, labels, name) => {
    await expect(LabelTable.create(labels as string[], name, ours)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });
});

describe('close', () => {
  test('of a table whose embeddings are being made ends it too', async () => {
    const table = LabelTable.lazy({ labels: LABELS, name: null, isBuiltIn: false }, ours.engine);
    const ranks = table.rank(features);
    table.close();
    await expect(ranks).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    await expect(table.rank(features)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });

  test("of an interrogator's own table does nothing", async () => {
    const before = await ours.flavors.rank(features);
    ours.flavors.close();
    expect(await ours.flavors.rank(features)).toEqual(before);
  });
});

test('a file that cannot be sealed leaves neither an open file nor a part', async () => {
  const folder = freshCache();
  const made = path.join(folder, 'x.part');
  writeFileSync(made, 'x');
  mkdirSync(`${made}.sealed`);
  const open = (): number => readdirSync('/proc/self/fd').length;
  const before = open();
  await expect(seal(made, path.join(folder, 'x'))).rejects.toThrow();
  expect(open()).toBe(before);
  expect(existsSync(made)).toBe(false);
});

function flipBit(file: string, place: number, bit: number): void {
  const bytes = readFileSync(file);
  bytes[place] = (bytes[place] as number) ^ (1 << bit);
  writeFileSync(file, bytes);
}

function swapRows(file: string): void {
  const bytes = readFileSync(file);
  const row = 2 * ours.embedDim;
  const start = bytes.length - 64 - 3 * row;
  writeFileSync(
    file,
    Buffer.concat([
      bytes.subarray(0, start),
      bytes.subarray(start + row, start + 2 * row),
      bytes.subarray(start, start + row),
      bytes.subarray(start + 2 * row),
    ]),
  );
}

describe('cache', () => {
  const FILE = 'tiny-clip__things.safetensors';
  const create = (cachePath: string | null, labels = LABELS, other: ConfigInput = {}): Promise<{ top: string[]; stages: string[] }> =>
    withSettings({ cachePath, ...other }, async (interrogator) => {
      const stages: string[] = [];
      const table = await LabelTable.create(labels, 'things', interrogator, { onProgress: ({ stage }) => stages.push(stage) });
      const features = await interrogator.imageToFeatures(testImage(1));
      return { top: await table.rank(features, { topCount: 5 }), stages: [...new Set(stages)] };
    });

  /** The warnings that the process emits while `run` runs. jest's process does not hear its own. */
  async function warnings(run: () => Promise<unknown>): Promise<{ message: string; code: string }[]> {
    const emit = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    try {
      await run();
      return emit.mock.calls.map(([message, options]) => ({ message: String(message), code: (options as { code: string }).code }));
    } finally {
      emit.mockRestore();
    }
  }

  test('embeddings are kept and found again, with the same ranks', async () => {
    const cache = freshCache();
    const made = await create(cache);
    expect(made.stages).toEqual(['labels things']);
    expect(readdirSync(cache)).toEqual([FILE]);
    const { mtimeMs } = statSync(path.join(cache, FILE));
    const found = await create(cache);
    expect(found).toEqual({ top: made.top, stages: [] });
    expect(statSync(path.join(cache, FILE)).mtimeMs).toBe(mtimeMs);
  });

  test("the file is clip-interrogator's own: embeds in float16, hash of the joined labels", async () => {
    const cache = freshCache();
    await create(cache);
    const bytes = readFileSync(path.join(cache, FILE));
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString()) as Record<string, unknown>;
    expect(header).toMatchObject({ embeds: { dtype: 'F16', shape: [60, ours.embedDim] }, hash: { dtype: 'I8', shape: [64] } });
  });

  test("clip-interrogator's way of reading reads it, and a file as clip-interrogator writes it is found", async () => {
    const cache = freshCache();
    const { top } = await create(cache);
    const theirs = freshCache();
    const script = `
import sys
from safetensors.numpy import load_file, save_file
tensors = load_file(sys.argv[1])
save_file({'embeds': tensors['embeds'], 'hash': tensors['hash']}, sys.argv[2])`;
    await runPython(['-c', script, path.join(cache, FILE), path.join(theirs, FILE)]);
    const { mtimeMs } = statSync(path.join(theirs, FILE));
    expect(await create(theirs)).toEqual({ top, stages: [] });
    expect(statSync(path.join(theirs, FILE)).mtimeMs).toBe(mtimeMs);
  });

  test('null keeps nothing on disk, with the same ranks', async () => {
    const before = readdirSync(work);
    const { top } = await create(null);
    expect(top).toEqual((await create(freshCache())).top);
    expect(readdirSync(work).filter((name) => !before.includes(name) && !name.startsWith('cache-'))).toEqual([]);
  });

  test('other labels replace the file, without a warning', async () => {
    const cache = freshCache();
    await create(cache);
    let made: { stages: string[] } | undefined;
    expect(await warnings(async () => (made = await create(cache, LABELS.slice(1))))).toEqual([]);
    expect(made?.stages).toEqual(['labels things']);
    expect((await create(cache, LABELS.slice(1))).stages).toEqual([]);
  });

  test('embeddings of other weights under the same name are made again', async () => {
    const cache = freshCache();
    await create(cache, LABELS, { clipModelName: await tinyClip({ seed: 99 }) });
    const made = await create(cache);
    expect(made.stages).toEqual(['labels things']);
    expect(made.top).toEqual((await create(null)).top);
  });

  test.each<[string, (file: string) => void]>([
    ['an HTML page', (file) => writeFileSync(file, '<!doctype html><html><body>502 Bad Gateway</body></html>')],
    ['cut off', (file) => writeFileSync(file, readFileSync(file).subarray(0, 500))],
    ['empty', (file) => writeFileSync(file, '')],
    ['of one wrong sign', (file) => flipBit(file, readFileSync(file).length - 64 - 1, 7)],
    ['of two rows in the wrong order', swapRows],
    [
      'a folder',
      (file) => {
        rmSync(file);
        mkdirSync(file);
      },
    ],
    [
      'a pipe',
      (file) => {
        rmSync(file);
        execFileSync('mkfifo', [file]);
      },
    ],
  ])('a file that is %s is set aside, told of, and made again', async (_, damage) => {
    const cache = freshCache();
    const { top } = await create(cache);
    damage(path.join(cache, FILE));
    let again: { top: string[] } | undefined;
    const told = await warnings(async () => (again = await create(cache)));
    expect(told).toMatchObject([{ code: 'ERR_LABELS_DAMAGED', message: expect.stringContaining(FILE) }]);
    expect(again?.top).toEqual(top);
    expect(existsSync(path.join(cache, `${FILE}.damaged`))).toBe(true);
    expect((await create(cache)).stages).toEqual([]);
  });

  test('a cache that cannot be written costs a warning, not the answer', async () => {
    const file = path.join(work, 'not-a-folder');
    writeFileSync(file, '');
    let made: { top: string[] } | undefined;
    const told = await warnings(async () => (made = await create(file)));
    expect(told).toMatchObject([{ code: 'ERR_IO' }]);
    expect(made?.top).toHaveLength(5);
  });

  test('labels in the bundle itself are used', async () => {
    const cache = freshCache();
    const { top } = await create(cache);
    const bundle = path.join(work, 'bundle');
    cpSync(settings.clipModelName as string, bundle, { recursive: true });
    mkdirSync(path.join(bundle, 'labels'));
    copyFileSync(path.join(cache, FILE), path.join(bundle, 'labels', FILE));
    expect(await create(null, LABELS, { clipModelName: bundle })).toEqual({ top, stages: [] });
  });

  test('callers at the same time share one preparation; a later one finds it done', async () => {
    await withSettings({ cachePath: null }, async (other) => {
      const done: number[] = [];
      const features = await other.imageToFeatures(testImage(1));
      const onProgress = ({ stage, done: count }: { stage: string; done: number }): void => {
        if (stage === 'labels flavors') done.push(count);
      };
      const [a, b] = await Promise.all([other.flavors.rank(features, { onProgress }), other.flavors.rank(features)]);
      expect(a).toEqual(b);
      const seen = done.length;
      await other.flavors.rank(features, { onProgress });
      expect(done.length).toBe(seen);
    });
  });

  test.each(['artists', 'flavors', 'mediums', 'movements', 'trendings', 'negative'])(
    "a caller's table named %s leaves the built-in one's cache alone",
    async (name) => {
      const cache = freshCache();
      await withSettings({ cachePath: cache }, async (other) => {
        await LabelTable.create(LABELS, name, other);
        await other.prepare();
        const builtIn = readFileSync(path.join(cache, `tiny-clip__${name}.safetensors`));
        const own = await LabelTable.create(LABELS.slice(2), name, other);
        expect(own.labels).toEqual(LABELS.slice(2));
        expect(readFileSync(path.join(cache, `tiny-clip__${name}.safetensors`)).equals(builtIn)).toBe(true);
        // Both are found again, and the built-in one by a table of the same labels, too.
        const stages: string[] = [];
        const onProgress = ({ stage }: { stage: string }): unknown => stages.push(stage);
        for (const labels of [LABELS.slice(2), other[name as 'artists'].labels])
          await LabelTable.create(labels, name, other, { onProgress });
        expect(stages).toEqual([]);
      });
    },
  );

  test('prepare makes the embeddings of all six tables', async () => {
    const cache = freshCache();
    await withSettings({ cachePath: cache }, (other) => other.prepare());
    expect(readdirSync(cache).sort()).toEqual(
      ['artists', 'flavors', 'mediums', 'movements', 'negative', 'trendings'].map((table) => `tiny-clip__${table}.safetensors`),
    );
  });
});
