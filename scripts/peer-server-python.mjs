/** A Python with the server that ours is measured beside: in an environment of its own, which sees the exporter's torch and transformers. */
import path from 'node:path';
import { BUILD, fingerprint, once, quietly, ROOT, title } from './step.mjs';

const REQUIREMENTS = path.join('bench', 'server', 'peer-requirements.txt');
const FOLDER = path.join(path.relative(ROOT, BUILD), 'peer-server');
/** Run by the exporter's Python: what an environment in the named folder does not have itself, it takes from there. */
const SHARE = `
import pathlib, sys, sysconfig
there = pathlib.Path(sysconfig.get_path('purelib', vars={'base': sys.argv[1]}))
(there / 'exporter.pth').write_text(sysconfig.get_path('purelib'))
`;

/** The folder with its programs. `exporter`: the exporter's interpreter. */
export async function peerServerPrograms(exporter) {
  const programs = path.join(FOLDER, 'bin');
  await once(
    'peer-server',
    { input: fingerprint([REQUIREMENTS], [exporter]), outputs: [path.join(programs, 'infinity_emb')] },
    async () => {
      title('Installing the server that ours is measured beside (0.1 GB)');
      const fail = 'It could not be installed: Python 3 with venv and pip and a reachable package index are needed.';
      await quietly('peer-server-venv', exporter, ['-m', 'venv', '--clear', FOLDER], { fail });
      const options = ['--no-deps', '--only-binary', ':all:', '-r', REQUIREMENTS];
      await quietly('peer-server-pip', path.join(ROOT, programs, 'python'), ['-m', 'pip', 'install', ...options], { fail });
      await quietly('peer-server-share', exporter, ['-c', SHARE, FOLDER], { fail });
    },
  );
  return path.join(ROOT, programs);
}
