/** What results depend on, besides the picture and the settings. */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Call } from '../engine/calls';
import type { Engine } from '../engine/engine';
import { throwIfAborted } from '../errors';
import type { Tables } from './tables';

/** SHA-256, hexadecimal digits. */
export interface Fingerprints {
  clip: string;
  /** null where no caption model is loaded. */
  caption: string | null;
  terms: string;
}

/** Labels that are hashed before others get a turn: 1 ms or so. */
const LABELS_AT_ONCE = 8192;

export async function fingerprintsOf(engine: Engine, tables: Tables, { signal }: Call): Promise<Fingerprints> {
  const terms = createHash('sha256');
  for (const { labels } of tables.all) {
    terms.update(`${labels.length}\n`);
    for (let start = 0; start < labels.length; start += LABELS_AT_ONCE) {
      terms.update(labels.slice(start, start + LABELS_AT_ONCE).join('\n'));
      await setImmediate();
      throwIfAborted(signal);
    }
  }
  return { ...(await engine.fingerprints()), terms: terms.digest('hex') };
}
