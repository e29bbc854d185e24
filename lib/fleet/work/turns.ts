/** Which run a worker asks for work next. */
export interface TakesTurns {
  spec: { priority: number };
  /** Those of the same models have the same. */
  models: string;
}

/** So long a worker stays with models that it has loaded, where other runs of the same number need others: loading takes seconds. */
const STAY_MS = 30_000;

/**
 * Lower numbers first. Runs of the same number take turns, shard by shard; where they need different models, those that need the ones in
 * use go before the others for a while.
 */
export class Turns {
  private models: string | undefined;
  private began = Number.NEGATIVE_INFINITY;
  private count = 0;
  private readonly taken = new WeakMap<TakesTurns, number>();

  /** `now`: in milliseconds, of a clock that never goes back. */
  order<Run extends TakesTurns>(runs: readonly Run[], now: number): Run[] {
    const others = ({ models }: Run): number => Number(now - this.began < STAY_MS && models !== this.models);
    const last = (run: Run): number => this.taken.get(run) ?? 0;
    return [...runs].sort((a, b) => a.spec.priority - b.spec.priority || others(a) - others(b) || last(a) - last(b));
  }

  /** It has given a shard. */
  took(run: TakesTurns, now: number): void {
    this.taken.set(run, ++this.count);
    if (run.models === this.models) return;
    this.models = run.models;
    this.began = now;
  }
}
