/** The term lists, fetched ahead of the first use. */
import { referenceVocabulary } from '../labels/reference-vocabulary';
import { createFetchBar } from '../net/fetch-bar';

/** The folder of the term lists, fetched where it is not there. `quiet`: no progress bar on stderr. @throws what referenceVocabulary() throws */
export async function ensureVocabulary({ quiet = false } = {}): Promise<string> {
  const bar = createFetchBar();
  try {
    return await referenceVocabulary(quiet ? {} : { onProgress: bar.update });
  } finally {
    bar.stop();
  }
}
