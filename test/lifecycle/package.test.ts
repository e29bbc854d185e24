/** Processes that use the package end with the right exit code, whatever runs. */
import { spawn } from 'node:child_process';
import path from 'node:path';

interface Ending {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

function end(scenario: string): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(__dirname, 'package.cjs'), scenario]);
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...output }));
  });
}

test.each([
  ['disposed', 0],
  ['undisposed', 0],
  ['exit', 7],
  ['exitWhileBusy', 7],
  ['workers', 0],
])(
  '%s ends with %i',
  async (scenario, code) => {
    expect(await end(scenario)).toEqual({ code, signal: null, stdout: 'ready\n', stderr: '' });
  },
  120_000,
);

test('an uncaught throw while a call runs ends with 1 and that error alone', async () => {
  const { code, signal, stdout, stderr } = await end('throwing');
  expect({ code, signal, stdout }).toEqual({ code: 1, signal: null, stdout: 'ready\n' });
  expect(stderr).toContain('Error: on purpose');
  expect(stderr).not.toMatch(/terminate called|c10|Segmentation/);
}, 120_000);
