/** A Python with the store of objects that tests write to: in an environment of its own in the clone's build folder. */
import path from 'node:path';
import { BUILD, fingerprint, once, PYTHON, quietly, ROOT, title } from './step.mjs';

const REQUIREMENTS = path.join('test', 'fleet', 'store', 'support', 'requirements.txt');
const FOLDER = path.join(path.relative(ROOT, BUILD), 'object-store');

/** Its interpreter. */
export async function objectStorePython() {
  const python = path.join(FOLDER, 'bin', 'python');
  await once('object-store', { input: fingerprint([REQUIREMENTS]), outputs: [python] }, async () => {
    title('Installing the store of objects that tests write to (0.1 GB)');
    const fail = 'It could not be installed: Python 3 with venv and pip and a reachable package index are needed.';
    await quietly('object-store-venv', PYTHON, ['-m', 'venv', '--clear', FOLDER], { fail });
    const options = ['--no-deps', '--only-binary', ':all:', '-r', REQUIREMENTS];
    await quietly('object-store-pip', path.join(ROOT, python), ['-m', 'pip', 'install', ...options], { fail });
  });
  return path.join(ROOT, python);
}
