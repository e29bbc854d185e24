/** How processes and threads that use the addon end: with the right exit code, without a crash, soon. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { tinyBlip, tinyClip } from '../support/bundles';
import { nativeFiles } from '../support/native';

let environment: NodeJS.ProcessEnv;
/** The work that these processes leave unfinished takes far longer. */
const SOON = 10;

beforeAll(async () => {
  const [clip, caption] = [await tinyClip(), await tinyBlip()];
  environment = { ...process.env, LIFECYCLE: JSON.stringify({ ...nativeFiles(), clip, caption }) };
}, 600_000);

interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** From the script's first line to its end. */
  seconds: number;
}

function run(script: string, ...args: string[]): Promise<Ending> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [path.join(__dirname, script), ...args], { env: environment });
    let [stdout, stderr, began] = ['', '', performance.now()];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (stdout === '') began = performance.now();
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr, seconds: (performance.now() - began) / 1000 }));
  });
}

describe.each(['idle', 'busy'])('a process that is %s', (state) => {
  test.each([
    ['closes its handles', 'closed', 0],
    ['leaves its handles open', 'undisposed', 0],
    ['calls process.exit', 'exit', 7],
    ['calls process.exit from a timer', 'exitLater', 7],
    ['throws what nobody catches', 'throw', 1],
    ['calls the addon from its exit listener', 'callsWhileExiting', 9],
  ])('%s and ends', async (_, ending, expected) => {
    const { code, signal, stdout, stderr, seconds } = await run('ending.cjs', ending, ...(state === 'busy' ? ['busy'] : []));
    expect({ code, signal, stderr: ending === 'throw' ? '' : stderr }).toEqual({ code: expected, signal: null, stderr: '' });
    expect(stdout).toMatch(/^ready\n/);
    if (ending === 'throw') expect(stderr).toContain('on purpose');
    if (state === 'busy' && ending === 'undisposed') expect(stdout).toContain('long work: ERR_ABORTED');
    expect(seconds).toBeLessThan(SOON);
  });
});

test.each([
  ['inside a progress callback', 'exitInProgress'],
  ['inside the answer to a call', 'exitInAnswer'],
  ['while models open', 'exitDuringOpening'],
  ['inside a getter that a call reads', 'exitInGetter'],
])('process.exit %s ends the process', async (_, ending) => {
  const { code, signal, stderr } = await run('ending.cjs', ending);
  expect({ code, signal, stderr }).toEqual({ code: 7, signal: null, stderr: '' });
});

test('a rejection that nobody handles ends the process with its code', async () => {
  const { code, signal, stderr } = await run('ending.cjs', 'unhandled');
  expect({ code, signal }).toEqual({ code: 1, signal: null });
  expect(stderr).toContain("code: 'ERR_INVALID_ARGUMENT'");
});

test.each([
  ['two workers and the main thread use the addon at once', 'together', 0],
  ['a worker is terminated while its call runs, and the next one works', 'terminated', 0],
  ['a worker is terminated while models open', 'terminatedWhileOpening', 0],
  ['a worker calls process.exit', 'exitInWorker', 0],
  ['process.exit ends workers that are busy', 'exitWhileWorking', 7],
])(
  '%s',
  async (_, scenario, expected) => {
    const { code, signal, stdout, stderr } = await run('workers.cjs', scenario);
    expect({ code, signal, stdout, stderr }).toEqual({ code: expected, signal: null, stdout: 'done\n', stderr: '' });
  },
  120_000,
);
