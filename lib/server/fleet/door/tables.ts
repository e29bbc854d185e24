/** The door's tables: lists of labels, whose embeddings workers make and have. */
import type { RankedLabel } from '../../../index';
import { isBuiltIn, type TableStore } from '../../tables/table-store';
import type { Caller } from '../../work/caller';
import { atOnce, type Embedded } from '../../work/embed';
import type { RankWish, Tables } from '../../work/rank';
import { packedRows } from '../rows';
import type { TableRef } from '../wire';
import type { Loan } from './blobs';
import type { Door } from './door';
import { own } from './own-caller';

/** Labels of an answer: what is more takes the event loop too long to read at once. */
const LABELS_AT_ONCE = 4000;
const PICTURES_AT_ONCE = 64;
const PARTS_AT_ONCE = 8;
const PAGE = 10_000;

export class RemoteTables implements Tables {
  /** The reference's lists, which all workers have. */
  private readonly lists = new Map<string, Promise<readonly string[]>>();
  /** CLIP models for which a worker has made a table. */
  private readonly ready = new Map<string, { digest: string; clips: Set<string> }>();

  constructor(
    private readonly door: Door,
    private readonly tables: TableStore,
  ) {}

  async rank(caller: Caller, pictures: Embedded, name: string, wish: RankWish): Promise<RankedLabel[][]> {
    const table = await this.refTo(name);
    const { rows } = pictures;
    const size = Math.max(1, Math.min(PICTURES_AT_ONCE, Math.floor(LABELS_AT_ONCE / wish.topCount)));
    const parts = Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => i * size);
    using seat = this.door.enter(caller, { kind: `${wish.clip} table ${name}`, units: parts.length, places: 1 });
    const ranked: RankedLabel[][] = [];
    await atOnce(PARTS_AT_ONCE, parts, async (at) => {
      const part = rows.slice(at, at + size);
      const found = await seat.ask('rank', (loan) => ({ table: table(loan), rows: packedRows(part), count: part.length, wish }));
      for (const [i, each] of found.ranked.entries()) ranked[at + i] = each;
    });
    this.ready.get(name)?.clips.add(wish.clip);
    return ranked;
  }

  async labels(name: string): Promise<readonly string[]> {
    if (!isBuiltIn(name)) return this.tables.labels(name, undefined);
    const kept = this.lists.get(name);
    if (kept) return kept;
    const list = this.listOf(name);
    this.lists.set(name, list);
    list.catch(() => this.lists.delete(name));
    return list;
  }

  readyFor(name: string): string[] {
    if (isBuiltIn(name)) return [...new Set(this.door.workers.live.flatMap(({ info }) => info.models.flatMap(residentClip)))];
    return [...(this.ready.get(name)?.clips ?? [])];
  }

  async prepare(caller: Caller, name: string, clip: string): Promise<void> {
    const table = await this.refTo(name);
    await this.door.ask(caller, 'prepare', (loan) => ({ table: table(loan), clip }));
    this.ready.get(name)?.clips.add(clip);
  }

  private async listOf(name: string): Promise<readonly string[]> {
    const labels: string[] = [];
    for (;;) {
      const page = await this.door.ask(own(), 'labels', () => ({ name, offset: labels.length, limit: PAGE }));
      for (const label of page.labels) labels.push(label);
      if (labels.length >= page.total || page.labels.length === 0) return labels;
    }
  }

  /** The labels are fetched by workers that do not have them yet. */
  private async refTo(name: string): Promise<(loan: Loan) => TableRef> {
    const found = await this.tables.find(name);
    if (typeof found === 'string') return () => ({ name });
    const { digest, template } = found;
    // Another list may have come under its name.
    if (this.ready.get(name)?.digest !== digest) this.ready.set(name, { digest, clips: new Set() });
    const file = this.tables.labelsFile(digest);
    return (loan) => ({ name, stored: { digest, ...(template !== undefined && { template }), labelsAt: loan.lend(file) } });
  }
}

function residentClip({ kind, name, state }: { kind: string; name: string; state: string }): string[] {
  return kind === 'clip' && state === 'resident' ? [name] : [];
}
