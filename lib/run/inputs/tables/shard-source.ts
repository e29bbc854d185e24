/** Where the bytes of a shard come from. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { urlParts } from '../../../api';
import { openPipe, stampOf, urlName } from '../file-picture';
import { shownPath } from '../shown-path';

export interface ShardSource {
  /** For people. */
  name: string;
  /**
   * `stamp`: what changes with its content; undefined where only reading can tell. Rejects with what the file system says; the iteration
   * fails with that too, or with an InterrogatorError.
   */
  open(signal: AbortSignal): Promise<{ stamp?: string; pieces: AsyncIterable<Buffer> }>;
}

export function fileShard(file: Buffer): ShardSource {
  return {
    name: shownPath(file),
    async open(signal) {
      const found = await stat(file, { bigint: true });
      if (found.isFIFO()) return { pieces: openPipe(file, signal) };
      const pieces = createReadStream(file, { highWaterMark: 1 << 18, signal });
      return { pieces, ...(found.isFile() && { stamp: stampOf(found) }) };
    },
  };
}

export function urlShard(url: string): ShardSource {
  return { name: urlName(url), open: async (signal) => ({ pieces: urlParts(url, { signal }) }) };
}
