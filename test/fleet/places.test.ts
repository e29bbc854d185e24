/** Where submissions may write: what is refused before Redis hears of a run, and what is not. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { RunOptions } from '../../lib';
import type { SubmitOptions } from '../../lib/fleet';
import { specOf } from '../../lib/fleet/runs/submission/spec-of';
import { checkedRunOptions } from '../../lib/run/checks/run-options';

let work: string;
const before = process.cwd();
beforeAll(() => {
  work = mkdtempSync(path.join(os.tmpdir(), 'fleet-places-'));
  process.chdir(work);
});
afterAll(() => {
  process.chdir(before);
  rmSync(work, { recursive: true, force: true });
});

const CONFIG = { clipModelName: 'sample', captionModelName: null } as const;

function specFor({ state, ...run }: SubmitOptions, inputs: readonly string[] = ['pictures']) {
  const options: Omit<RunOptions, 'state'> = { config: CONFIG, task: { kind: 'features' }, ...run };
  return specOf(inputs, checkedRunOptions(options), { ...run, ...(state !== undefined && { state }) });
}

const pick = <T>(all: readonly T[]): T => all[Math.floor(Math.random() * all.length)] as T;
const address = (): string => `s3://${pick(['bucket', 'other'])}/${pick(['a', 'b/c', 'd'])}/${pick(['x', 'y'])}${pick(['.jsonl', '.csv'])}`;

test('outputs in buckets are told apart by their whole address, and from local files of the same name', async () => {
  for (let round = 0; round < 200; round += 1) {
    const out = [...new Set(Array.from({ length: 6 }, address)), 'x.jsonl', 'a/x.jsonl'];
    const { out: written } = await specFor({ out });
    expect(written).toEqual(out.map((file) => (file.startsWith('s3:') ? file : path.join(process.cwd(), file))));
    const twice = pick(out);
    await expect(specFor({ out: [...out, twice.replace(/^s3:/, 'S3:')] })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('is named twice'),
    });
  }
});

test('nothing local is looked at for an output in a bucket', async () => {
  for (const name of ['taken.jsonl', 'taken.html', 's3:']) mkdirSync(name);
  const out = ['s3://bucket/taken.jsonl'];
  const report = 's3://bucket/a/taken.html';
  expect(await specFor({ out, report })).toMatchObject({
    out,
    report,
    state: expect.stringMatching(/^s3:\/\/bucket\/\.torch-interrogator\//),
  });
  // The same names here are folders.
  await expect(specFor({ out: ['taken.jsonl'] })).rejects.toMatchObject({ code: 'ERR_IO' });
});

test.each<[SubmitOptions, string]>([
  [{ out: ['s3://bucket/a/x.doc'] }, 's3://bucket/a/x.doc is of no known format'],
  [{ out: ['s3://bucket/a/x.txt'] }, 's3://bucket/a/x.txt has no room for features'],
  [{ out: ['s3://bucket'] }, 'expected an object'],
  [{ report: 's3://bucket/a/x.txt' }, 's3://bucket/a/x.txt is no name of a page'],
])('%j is refused by its name', async (options, message) => {
  await expect(specFor(options)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(message) });
});

const SCHEMES = ['https://', 'http://', 'HTTP://', 'ftp://', 'file://', 'file:', 'gs://', 'hf://', 'redis://', 'https:', 's3:', 's3:/'];
const PLACES: Readonly<Record<string, (place: string) => SubmitOptions>> = {
  out: (place) => ({ out: ['local.jsonl', `${place}/x.jsonl`] }),
  report: (place) => ({ report: `${place}/x.html` }),
  state: (place) => ({ out: ['local.jsonl'], state: place }),
  sidecar: (folder) => ({ sidecar: { folder } }),
};

test.each(Object.keys(PLACES))(
  '%s: addresses that nothing can be written to are refused, and no folder of that name appears',
  async (option) => {
    const there = readdirSync('.');
    const schemes = option === 'sidecar' ? [...SCHEMES, 's3://'] : SCHEMES;
    for (const scheme of schemes) {
      const options = (PLACES[option] as (place: string) => SubmitOptions)(`${scheme}host/folder`);
      await expect(specFor(options)).rejects.toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringMatching(
          new RegExp(`^${option}: nothing can be written to an address that begins with ${scheme.split(':', 1)}:`),
        ),
        hint: expect.stringMatching(option === 'sidecar' ? /^Name a folder's path\.$/ : /s3:\/\/BUCKET/),
      });
    }
    expect(readdirSync('.')).toEqual(there);
  },
);

test('where sidecars are remembered is a folder here, whatever else is in a bucket', async () => {
  const sidecar = { folder: 'texts' };
  for (const outputs of [{ out: ['s3://bucket/x.jsonl'] }, { report: 's3://bucket/x.html' }] as const) {
    const spec = await specFor({ ...outputs, sidecar, task: { kind: 'interrogate', modes: ['fast'] } } as SubmitOptions);
    expect(spec.marks).toBe(path.join(process.cwd(), '.torch-interrogator'));
    expect(spec.sidecar).toEqual({ folder: path.join(process.cwd(), 'texts') });
  }
});
