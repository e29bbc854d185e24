/** The Python that exports bundles and runs the reference: the exporter's own environment. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { PYTHON, ROOT, StepError, title } from './step.mjs';

export const EXPORTER = path.join(ROOT, 'models', 'export');

/** The exporter makes its own environment and names its interpreter on the last line. */
export async function exporterPython({ signal } = {}) {
  title('Preparing the Python environment of the exporter (5 GB the first time)');
  const child = promisify(execFile)(PYTHON, [path.join(EXPORTER, 'environment.py')], { maxBuffer: 1 << 26, signal });
  child.child.stderr.pipe(process.stderr);
  try {
    return (await child).stdout.trim().split('\n').at(-1);
  } catch (error) {
    throw new StepError(`The exporter's environment could not be made (${error.message.split('\n')[0]}).`);
  }
}
