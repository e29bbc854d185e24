/** The sample pair for tests of runs: loaded once a file, its label embeddings in memory. */
import type { ConfigInput, Interrogator } from '../../../lib';
import { Interrogator as Interrogators } from '../../../lib/interrogator/interrogator';

export function openSample(settings: ConfigInput = {}): Promise<Interrogator> {
  const sample = { clipModelName: 'sample', captionModelName: 'sample', device: 'cpu', cachePath: null, quiet: true };
  return Interrogators.create({ ...sample, ...settings });
}
