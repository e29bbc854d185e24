import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

interface Sample {
  resident: number;
  anonymous: number;
  mappings: number;
}

/**
 * glibc's malloc then gives back at once what is freed. By default it keeps several megabytes in every thread's arena, more
 * or less as it happens: that comes and goes by 3 %, and would hide a leak as well as look like one.
 */
const GIVEN_BACK = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '65536' };

const SCRIPT = path.join(__dirname, 'mixed-calls.cjs');

async function samplesOf(settings: NodeJS.ProcessEnv): Promise<Sample[]> {
  const env = { ...process.env, ...GIVEN_BACK, ...settings };
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', SCRIPT], { env });
  return JSON.parse(stdout) as Sample[];
}

/**
 * How much memory grows over the second half of the samples, as a part of what is resident. The least of its first samples
 * is compared with the least of its last: what a busy machine delays only adds to single samples, a leak adds to all.
 */
function growthOf(samples: readonly Sample[]): number {
  const last = samples.slice(samples.length / 2);
  const least = (some: readonly Sample[]): number => Math.min(...some.map(({ anonymous }) => anonymous));
  const end = Math.ceil(last.length / 3);
  return (least(last.slice(-end)) - least(last.slice(0, end))) / Math.min(...last.map(({ resident }) => resident));
}

test('resident memory is flat over the last 500 of 1,000 mixed calls', async () => {
  const samples = await samplesOf({});
  const last = samples.slice(samples.length / 2);
  // Threads and the allocator map a little now and then; a label file left open by each call would be dozens.
  const mapped = (last.at(-1)?.mappings ?? 0) - (last[0]?.mappings ?? 0);
  const growth = growthOf(samples);
  expect({ samples: JSON.stringify(samples), mapped, few: mapped < 20 }).toMatchObject({ few: true });
  expect({ samples: JSON.stringify(samples), growth, flat: growth <= 0.015 }).toMatchObject({ flat: true });
}, 600_000);

// 300 calls lie between the samples that are compared, so the leak is 20 MB: some 6 % of what the sample bundle takes.
test('a leak of 64 KiB a call is found', async () => {
  const growth = growthOf(await samplesOf({ LEAK: String(64 * 1024) }));
  expect(growth).toBeGreaterThan(0.015);
}, 600_000);
