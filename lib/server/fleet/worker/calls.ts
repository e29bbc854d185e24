/** What a worker does for a door: each call with the same parts that a server has. */
import type { PictureCache } from '../../pictures/cache';
import type { Caller } from '../../work/caller';
import { captionKey, needsBytes } from '../../work/describe';
import type { Logits } from '../../work/embed';
import type { LocalParts } from '../../work/local/open';
import { packedRows, unpackedRows } from '../rows';
import type { Calls, Report } from '../wire';
import type { SentPictures } from './sent-pictures';
import type { SentTables } from './sent-tables';

export interface Doing {
  parts: LocalParts;
  cache: PictureCache;
  pictures: SentPictures;
  tables: SentTables;
}

/** One who asks, and is told of descriptions as they come. */
export interface RemoteCaller extends Caller {
  tell(report: Report): void;
}

type Doers = { [C in keyof Calls]: (doing: Doing, caller: RemoteCaller, args: Calls[C]['args']) => Promise<Calls[C]['value']> };

export const CALLS: Doers = {
  describe: async ({ parts: { describing }, pictures }, caller, { picture, wish, isTold, row, caption }) => {
    const own = describing.known(picture.id, wish);
    const known = { row: row === undefined ? own.row : unpackedRows(row, 1)[0], caption: caption ?? own.caption };
    const { at, ...bare } = picture;
    const needed = needsBytes(wish, known) ? picture : bare;
    const onDescription = isTold
      ? (description: Extract<Report, { description: unknown }>['description']) => caller.tell({ description })
      : undefined;
    const found = await pictures.with(needed, caller.signal, (sent) =>
      describing.describeWithRow(caller, sent, { ...wish, onDescription }, known),
    );
    const { descriptions, terms, size, contextTokens, caption: made } = found.described;
    return {
      found: { descriptions, terms, size, contextTokens, caption: made },
      ...(row === undefined && found.row && { row: packedRows([found.row]) }),
    };
  },

  caption: async ({ parts: { describing }, cache, pictures }, caller, { picture, models, settings }) => {
    const kept = cache.caption(picture.id, captionKey(models.caption, settings));
    if (kept !== undefined) return { caption: kept };
    return pictures.with(picture, caller.signal, async (sent) => ({
      caption: await describing.caption(caller, sent, models, settings),
    }));
  },

  picture: async ({ parts, cache, pictures }, caller, { picture, clip }) => {
    const kept = cache.features(picture.id, clip);
    const { rows } = kept
      ? { rows: [kept] }
      : await pictures.with(picture, caller.signal, (sent) => parts.embedding.pictures(caller, [sent], clip));
    const size = cache.size(picture.id);
    return { row: packedRows(rows), ...(size && { size }), logits: await logitsOf(parts, caller, clip) };
  },

  texts: async ({ parts }, caller, { texts, clip }) => {
    const { rows } = await parts.embedding.textRows(caller, texts, clip);
    return { rows: packedRows(rows), logits: await logitsOf(parts, caller, clip) };
  },

  tokens: async ({ parts }, caller, { texts, clip }) => ({ counts: await parts.embedding.tokens(caller, texts, clip) }),

  rank: async ({ parts, tables }, caller, { table, rows, count, wish }) => {
    const unpacked = unpackedRows(rows, count);
    const pictures = { rows: unpacked, dim: unpacked[0]?.length ?? 0 };
    return { ranked: await tables.with(table, (name) => parts.tables.rank(caller, pictures, name, wish)) };
  },

  prepare: async ({ parts, tables }, caller, { table, clip }) => {
    await tables.with(table, (name) => parts.tables.prepare(caller, name, clip));
    return {};
  },

  labels: async ({ parts }, _, { name, offset, limit }) => {
    const all = await parts.tables.labels(name);
    return { labels: all.slice(offset, offset + limit), total: all.length };
  },

  load: async ({ parts }, caller, { wish }) => {
    await parts.devices.load(caller, wish);
    return {};
  },
};

async function logitsOf({ stations }: LocalParts, caller: Caller, clip: string): Promise<Logits> {
  using lent = await stations.lend(caller, { clip, caption: null });
  return lent.interrogator.logits;
}
