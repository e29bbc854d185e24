/** Small tokenizers of every kind that text towers have: see make_tokenizers.py. Made once and kept beside the test bundles. */
import path from 'node:path';
import { bundleWork, fingerprint, once } from './bundles';
import { runPython } from './python';

/** The folder that holds one of each kind. */
export async function hubTokenizers(): Promise<string> {
  const script = path.join(__dirname, 'make_tokenizers.py');
  const folder = path.join(bundleWork(), `tokenizers-${fingerprint([script])}`);
  await once(folder, 'README.md', async () => {
    await runPython([script, folder]);
  });
  return folder;
}
