/** What Redis holds of a shard: where its pictures are, never what is in them. */
import { isUtf8 } from 'node:buffer';
import type { PictureEntry } from '../../run/inputs';
import { shownPath } from '../../run/inputs/shown-path';
import type { RowError } from '../../run/row';

/** Text, or bytes that are none in base64. */
type WrittenPath = string | { b: string };

/** By their first letter; names that are the path are left out. */
type WrittenEntry =
  | { f: WrittenPath; n?: string; r?: number }
  | { u: string; n?: string }
  | { t: WrittenPath; n?: string }
  | { x: RowError; n: string };

export interface ShardData {
  /** Its place among the run's shards, from 0. */
  shard: number;
  /** 0, and one more each time that its failed pictures are tried again. */
  round: number;
  /** Pictures, as far as they can be counted without opening files of many: those count as one. */
  count: number;
  /** Folders that pictures were found below. */
  roots: readonly WrittenPath[];
  entries: readonly WrittenEntry[];
}

/** Writes a shard down, a picture at a time. */
export class ShardWriter {
  private readonly roots: WrittenPath[] = [];
  private readonly places = new Map<string, number>();
  private readonly entries: WrittenEntry[] = [];

  constructor(private readonly shard: number) {}

  get count(): number {
    return this.entries.length;
  }

  get data(): ShardData {
    const { shard, count, roots, entries } = this;
    return { shard, round: 0, count, roots, entries };
  }

  add(entry: PictureEntry): void {
    this.entries.push(writeEntry(entry, (root) => this.rootPlace(root)));
  }

  private rootPlace(root: Buffer): number {
    const key = root.toString('latin1');
    const place = this.places.get(key) ?? this.roots.push(writePath(root)) - 1;
    this.places.set(key, place);
    return place;
  }
}

/** A tar or parquet file, which is a shard of its own. */
export function isFileOfMany({ entries }: ShardData): boolean {
  return entries.some((entry) => 't' in entry);
}

function writeEntry(entry: PictureEntry, rootPlace: (root: Buffer) => number): WrittenEntry {
  const { name } = entry;
  switch (entry.kind) {
    case 'file':
      return { f: writePath(entry.file), ...named(name, shownPath(entry.file)), ...(entry.root && { r: rootPlace(entry.root) }) };
    case 'url':
      return { u: entry.url, ...named(name, entry.url) };
    case 'table':
      return { t: writePath(entry.address), ...named(name, shownPath(entry.address)) };
    case 'failure':
      return { x: entry.error, n: name };
  }
}

export function entriesOfShard({ roots, entries }: ShardData): PictureEntry[] {
  return entries.map((entry): PictureEntry => {
    if ('x' in entry) return { kind: 'failure', name: entry.n, error: entry.x };
    if ('u' in entry) return { kind: 'url', name: entry.n ?? entry.u, url: entry.u };
    if ('t' in entry) {
      const address = readPath(entry.t);
      return { kind: 'table', name: entry.n ?? shownPath(address), address };
    }
    const file = readPath(entry.f);
    const root = entry.r === undefined ? undefined : roots[entry.r];
    return { kind: 'file', name: entry.n ?? shownPath(file), file, ...(root !== undefined && { root: readPath(root) }) };
  });
}

function named(name: string, usual: string): { n?: string } {
  return name === usual ? {} : { n: name };
}

function writePath(path: Buffer): WrittenPath {
  return isUtf8(path) ? path.toString() : { b: path.toString('base64') };
}

function readPath(path: WrittenPath): Buffer {
  return typeof path === 'string' ? Buffer.from(path) : Buffer.from(path.b, 'base64');
}
