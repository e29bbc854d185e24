/** The pictures of a set that are still there, as the ledger knows them. */
import type { CallOptions } from '../../api';
import { throwIfAborted } from '../../errors';
import { naturalKey, sortNatural } from '../inputs/folders/natural-order';
import type { Ledger } from '../ledger/ledger';
import type { PictureLine } from '../ledger/line';
import { Turns } from '../turns';
import type { KeptState } from './kept';
import { type TermCounts, termsOf } from './terms';
import { findPicture } from './there';

/** Files that are looked at at the same time. */
const AT_ONCE = 64;

/** A picture with features. `name` is the ledger's. */
export interface Member {
  name: string;
  /** By which it is ordered. */
  key: string;
  sha256: string;
  /** Where it is a file of its own. */
  file?: Buffer;
  isChanged: boolean;
}

export interface Members {
  /** In natural order of their names. */
  members: Member[];
  /** Which of the keys the features are of. */
  key: string;
  /** Rows of the file of features, by SHA-256 of contents. */
  places: ReadonlyMap<string, number>;
  known: number;
  gone: number;
  /** That are there, with features and without. */
  present: number;
}

export interface MemberOptions extends CallOptions {
  /** Keys of features of the same model, the preferred one first. */
  keys: readonly string[];
  kept: KeptState;
  /** Counts the terms of every picture that is there. */
  counts: TermCounts;
}

/** Of several keys the first that has features, else of the others the one that has most. Rejects with AbortError. */
export async function readMembers(ledger: Ledger, options: MemberOptions): Promise<Members> {
  const { keys, kept, counts, signal, onProgress } = options;
  const places = new Map(keys.map((key) => [key, new Map<string, number>()]));
  const total = ledger.size.images;
  const present: Member[] = [];
  let [known, gone, done] = [0, 0, 0];

  const take = async (lines: readonly PictureLine[]): Promise<void> => {
    const found = await Promise.all(lines.map((line) => findPicture(line, kept.base, kept.within)));
    for (const [i, line] of lines.entries()) {
      const here = found[i];
      if (here === undefined || here === 'outside') continue;
      known += 1;
      if (here === 'gone') {
        gone += 1;
        continue;
      }
      counts.add(termsOf(line, ledger.settings));
      const { image: name, sha256, features = {} } = line;
      // What could not be read has no content, and so no features.
      present.push({ name, key: naturalKey(name), sha256: sha256 ?? '', ...here });
      if (sha256 === null) continue;
      for (const [key, rows] of places) if (features[key] !== undefined) rows.set(sha256, features[key]);
    }
    done += lines.length;
    throwIfAborted(signal);
    onProgress?.({ stage: 'pictures', done, total });
  };

  let lines: PictureLine[] = [];
  for await (const line of ledger.pictures()) {
    if (lines.push(line) < AT_ONCE) continue;
    await take(lines);
    lines = [];
  }
  await take(lines);

  const key = keys.reduce((best, each) => (sizeOf(places, keys[0]) === 0 && sizeOf(places, each) > sizeOf(places, best) ? each : best));
  const rows = places.get(key) as Map<string, number>;
  const members = await sortNatural(present.filter(({ sha256 }) => rows.has(sha256)));
  return { members, key, places: rows, known, gone, present: present.length };
}

function sizeOf(places: ReadonlyMap<string, ReadonlyMap<string, number>>, key: string | undefined): number {
  return places.get(key ?? '')?.size ?? 0;
}

/** A content with the names that it is there under. */
export interface Content {
  sha256: string;
  /** Row of the file of features. */
  place: number;
  members: Member[];
}

/** In the order of their first names. */
export async function contentsOf({ members, places }: Pick<Members, 'members' | 'places'>): Promise<Content[]> {
  const contents = new Map<string, Content>();
  const turns = new Turns();
  for (const [i, member] of members.entries()) {
    const { sha256 } = member;
    const content = contents.get(sha256);
    if (content) content.members.push(member);
    else contents.set(sha256, { sha256, place: places.get(sha256) as number, members: [member] });
    if (i % AT_ONCE === 0) await turns.pass();
  }
  return [...contents.values()];
}
