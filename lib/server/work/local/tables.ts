/** Tables, with embeddings that are made on a device of this process. */
import { type CallOptions, Features, type Interrogator, type LabelTable, type RankedLabel } from '../../../index';
import type { Caller } from '../caller';
import type { Embedded } from '../embed';
import type { RankWish, Tables } from '../rank';
import type { Stations } from '../station';

/** Where tables are kept, as those of the server are in a folder. */
export interface TableSource {
  /** Rejects with 404. */
  find(name: string): Promise<unknown>;
  labels(name: string, interrogator: Interrogator | undefined): Promise<readonly string[]>;
  tableFor(name: string, interrogator: Interrogator, call: CallOptions): Promise<LabelTable>;
  isReady(name: string, interrogator: Interrogator): boolean;
}

export class LocalTables implements Tables {
  constructor(
    private readonly stations: Stations,
    private readonly tables: TableSource,
  ) {}

  async rank(caller: Caller, pictures: Embedded, name: string, wish: RankWish): Promise<RankedLabel[][]> {
    const load = { kind: `${wish.clip} table ${name}`, units: pictures.rows.length, places: 1 };
    const { signal, report: onProgress } = caller;
    await this.tables.find(name);
    using seat = await this.stations.enter(caller, { clip: wish.clip, caption: null }, load);
    const table = await this.tables.tableFor(name, seat.interrogator, { signal, onProgress });
    const { topCount, scores, reverse } = wish;
    const ranks = pictures.rows.map((row) =>
      seat.run(async () => {
        using features = await Features.from(row, seat.interrogator, { signal });
        return await table.rankScored(features, { topCount, scores, reverse, signal });
      }),
    );
    // All are waited for: none may go on when the seat is left.
    const results = await Promise.allSettled(ranks);
    return results.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  }

  labels(name: string): Promise<readonly string[]> {
    return this.tables.labels(name, this.stations.first.host.anyInterrogator);
  }

  readyFor(name: string): string[] {
    const open = this.stations.all.flatMap(({ host }) => host.interrogators);
    const ready = open.filter(({ interrogator }) => this.tables.isReady(name, interrogator));
    return [...new Set(ready.map(({ clip }) => clip))];
  }

  async prepare({ signal, report: onProgress }: Caller, name: string, clip: string): Promise<void> {
    using borrowed = await this.stations.first.host.borrow({ clip, caption: null }, signal, onProgress);
    await this.tables.tableFor(name, borrowed.interrogator, { signal, onProgress });
  }
}
