/** A Python with the packages that read what runs write: in an environment of its own in the clone's build folder. */
import path from 'node:path';
import { BUILD, fingerprint, once, PYTHON, quietly, ROOT, title } from './step.mjs';

const REQUIREMENTS = path.join('test', 'run', 'readers', 'requirements.txt');
const FOLDER = path.join(path.relative(ROOT, BUILD), 'readers');

/** Its interpreter. */
export async function readersPython() {
  const python = path.join(FOLDER, 'bin', 'python');
  await once('readers', { input: fingerprint([REQUIREMENTS]), outputs: [python] }, async () => {
    title('Installing the Python packages that read what runs write (0.4 GB)');
    const fail = 'They could not be installed: Python 3 with venv and pip and a reachable package index are needed.';
    await quietly('readers-venv', PYTHON, ['-m', 'venv', '--clear', FOLDER], { fail });
    await quietly('readers-pip', path.join(ROOT, python), ['-m', 'pip', 'install', '--only-binary', ':all:', '-r', REQUIREMENTS], { fail });
  });
  return path.join(ROOT, python);
}
