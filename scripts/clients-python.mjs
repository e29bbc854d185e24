/** A Python with the clients of other systems that the server answers to: in an environment of its own in the clone's build folder. */
import path from 'node:path';
import { BUILD, fingerprint, once, PYTHON, quietly, ROOT, title } from './step.mjs';

const REQUIREMENTS = path.join('test', 'server', 'clients', 'requirements.txt');
const FOLDER = path.join(path.relative(ROOT, BUILD), 'clients');
/** There are no wheels of these. */
const SOURCES = 'clip-client,docarray';

/** Its interpreter. */
export async function clientsPython() {
  const python = path.join(FOLDER, 'bin', 'python');
  await once('clients', { input: fingerprint([REQUIREMENTS]), outputs: [python] }, async () => {
    title('Installing the Python clients that the server is tested with (0.3 GB)');
    const fail = 'They could not be installed: Python 3 with venv and pip and a reachable package index are needed.';
    await quietly('clients-venv', PYTHON, ['-m', 'venv', '--clear', FOLDER], { fail });
    const options = ['--no-deps', '--only-binary', ':all:', '--no-binary', SOURCES, '-r', REQUIREMENTS];
    await quietly('clients-pip', path.join(ROOT, python), ['-m', 'pip', 'install', ...options], { fail });
  });
  return path.join(ROOT, python);
}
