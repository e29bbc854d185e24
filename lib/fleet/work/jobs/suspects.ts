/**
 * Pictures that end the process of whoever works on them. A shard whose workers have died is worked on picture by picture, each of which is
 * noted before it is begun: where a worker dies again, the others know of which one.
 */
import type { Picture } from '../../../run/picture';
import type { RunRecords } from '../../runs/records';

/** Workers that died with a shard before its pictures are taken one by one: a single one may have been stopped by hand. */
export const DEATHS = 2;
/** Deaths with one and the same picture, by itself, before it is given up. */
const MOST_DEATHS = 2;

export class Suspects {
  /** The picture that is worked on, and the end of the one before. */
  private current: string | undefined;
  private last: Promise<void> = Promise.resolve();
  private ending = (): void => {};

  private constructor(
    private readonly records: RunRecords,
    private readonly run: string,
    private readonly shard: number,
    /** Pictures are worked on one after the other. */
    readonly isCareful: boolean,
    private readonly times: ReadonlyMap<string, number>,
    private readonly attempt: string,
  ) {}

  /** `deaths`: attempts at the shard that came to no end. `attempt`: this one's own name. */
  static async of(records: RunRecords, run: string, shard: number, deaths: number, attempt: string): Promise<Suspects> {
    const isCareful = deaths >= DEATHS;
    return new Suspects(records, run, shard, isCareful, isCareful ? await records.suspects(run, shard) : new Map(), attempt);
  }

  /** Waits for the end of the picture before. Resolves with the picture, or with what stands for it where it is given up. */
  async begin(picture: Picture, given: (picture: Picture, times: number) => Picture): Promise<Picture> {
    if (!this.isCareful) return picture;
    const times = this.times.get(picture.name) ?? 0;
    if (times >= MOST_DEATHS) return given(picture, times);
    await this.last;
    this.last = new Promise<void>((resolve) => {
      this.ending = resolve;
    });
    this.current = picture.name;
    await this.records.suspect(this.run, this.shard, picture.name, this.attempt);
    return picture;
  }

  async ended(name: string): Promise<void> {
    if (!this.isCareful || name !== this.current) return;
    await this.leave();
    this.ending();
  }

  /** The worker gives the shard back: whatever is under way has not ended its process. */
  async leave(): Promise<void> {
    const { current } = this;
    this.current = undefined;
    if (current !== undefined) await this.records.clear(this.run, this.shard, current, this.attempt);
  }
}
