/** `npm run bench` and `npm run bench:load` from end to end, on a small model. What is checked is never how fast it was. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { exporterPython, REPOSITORY } from '../support/python';
import { BENCH } from './module';

const REFERENCE = path.join(REPOSITORY, 'test', 'parity', 'reference');
const SMALL = [
  ...['--model', 'tiny-clip', '--clip-config', path.join(REFERENCE, 'tiny-clip.json')],
  ...['--vocabulary', path.join(REFERENCE, 'vocabulary'), '--caption', 'none'],
];
const MINUTE = 60_000;

interface Row {
  name: string;
  device: string;
  ours_s: number | null;
  peer_s: number | null;
  ratio: number | null;
  limit_s: number | null;
  limit_fraction: number | null;
  unit: string;
  samples: number;
  [more: string]: unknown;
}

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'bench-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(script: string, args: readonly string[]): Promise<{ stdout: string; rows: Row[] }> {
  const json = path.join(folder, `${script}.json`);
  const env = { ...process.env, INTERROGATOR_PYTHON: await exporterPython() };
  const { stdout } = await promisify(execFile)(process.execPath, [path.join(BENCH, script), ...SMALL, ...args, '--json', json], { env });
  return { stdout, rows: JSON.parse(readFileSync(json, 'utf8')) as Row[] };
}

test(
  'npm run bench prints a table and writes a row for each measure, the peer beside ours',
  async () => {
    const timed = ['image-features', 'text-1000-labels', 'rank-flavors', 'chain-step', 'fast'];
    const { stdout, rows } = await run('main.mjs', ['--only', [...timed, 'memory'].join(), '--samples', '2']);
    expect(rows.map(({ name }) => name)).toEqual([...timed, ...(process.platform === 'linux' ? ['memory'] : [])]);
    for (const row of rows.slice(0, timed.length)) {
      expect(stdout).toContain(`| ${row.name}`);
      expect(row).toMatchObject({ device: 'cpu', samples: 2 });
      expect(row.unit).toMatch(/^s per /);
      expect(row.ours_s).toBeGreaterThan(0);
      expect(row.ratio).toBeCloseTo((row.peer_s as number) / (row.ours_s as number), 9);
      expect(row.limit_s).toBeGreaterThan(0);
      expect(row.limit_fraction).toBeCloseTo((row.limit_s as number) / (row.ours_s as number), 9);
    }
  },
  3 * MINUTE,
);

test(
  'npm run bench:load writes a row for each kind of traffic, and every call is accounted for',
  async () => {
    const { rows } = await run('load-test.mjs', ['--seconds', '1', '--max-queue', '16']);
    expect(rows.map(({ name }) => name)).toEqual(['closed-1', 'closed-8', 'closed-64', 'open-0.5x', 'open-2x']);
    for (const { offered, answered, refused, failed } of rows as unknown as Record<string, number>[]) {
      expect({ failed, settled: (answered as number) + (refused as number) }).toEqual({ failed: 0, settled: offered });
    }
  },
  3 * MINUTE,
);

test('a measure that does not exist is a usage error that names those that do', async () => {
  const failed = run('main.mjs', ['--only', 'image-feature']);
  await expect(failed).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('there is no measure image-feature') });
});
