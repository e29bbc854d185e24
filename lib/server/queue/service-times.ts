/** How long the device takes for one unit of each kind of work, as measured. */

/** Weight of a new measurement, once there are some: a mean of the first, then one that follows slowly. */
const LEARNING = 0.05;
/** Seconds: a guess before anything was measured. */
const UNKNOWN = 0.25;

/**
 * Units that run at the same time share the device: each is counted the time that passed divided by those that ran, so that the times of
 * all units add up to the time that the device was busy. What a unit takes so is what it adds to the wait of those behind it.
 */
export class ServiceTimes {
  private readonly known = new Map<string, { seconds: number; count: number }>();
  /** The time that one unit would have been served by now, had it run from the beginning. Seconds. */
  private served = 0;
  private running = 0;
  private since = 0;

  /** `now`: seconds, of a clock that never goes back. */
  constructor(private readonly now: () => number = () => performance.now() / 1000) {}

  /** Seconds for a unit; of a kind that was never met the mean of those that were. */
  expect(kind: string): number {
    const known = this.known.get(kind);
    if (known !== undefined) return known.seconds;
    if (this.known.size === 0) return UNKNOWN;
    return [...this.known.values()].reduce((sum, { seconds }) => sum + seconds, 0) / this.known.size;
  }

  /** A unit begins. What is returned ends it; `done`: it ran to its end, so that its time says something. */
  begin(kind: string): { served(): number; end(done: boolean): void } {
    this.pass();
    this.running += 1;
    const started = this.served;
    let ended: number | undefined;
    const served = (): number => {
      this.pass();
      return (ended ?? this.served) - started;
    };
    return {
      served,
      end: (done) => {
        if (ended !== undefined) return;
        const seconds = served();
        ended = this.served;
        this.running -= 1;
        if (done) this.learn(kind, seconds);
      },
    };
  }

  private learn(kind: string, seconds: number): void {
    const known = this.known.get(kind) ?? { seconds: 0, count: 0 };
    known.count += 1;
    known.seconds += Math.max(LEARNING, 1 / known.count) * (seconds - known.seconds);
    this.known.set(kind, known);
  }

  private pass(): void {
    const now = this.now();
    if (this.running > 0) this.served += (now - this.since) / this.running;
    this.since = now;
  }
}
