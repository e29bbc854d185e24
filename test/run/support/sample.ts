/** The sample pair for tests of runs: loaded once a file, its label embeddings in memory. */
import type { Interrogator } from '../../../lib';
import { Interrogator as Interrogators } from '../../../lib/interrogator/interrogator';

export function openSample(): Promise<Interrogator> {
  return Interrogators.create({ clipModelName: 'sample', captionModelName: 'sample', device: 'cpu', cachePath: null, quiet: true });
}
