import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

test('resident memory is flat over the last 500 of 1,000 mixed calls', async () => {
  const script = path.join(__dirname, 'mixed-calls.cjs');
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script]);
  const resident = JSON.parse(stdout) as number[];
  const last = resident.slice(resident.length / 2);
  const spread = (Math.max(...last) - Math.min(...last)) / Math.min(...last);
  expect({ resident, spread, flat: spread <= 0.02 }).toEqual({ resident, spread, flat: true });
}, 600_000);
