/** Who comes next: the client that was given least. Start-time fair queueing (Goyal, Vin, Chen 1996), with a line a client. */

export interface Waiter {
  /** Seconds of the device. */
  cost: number;
  start(): void;
}

interface Line {
  waiters: Waiter[];
  /** When its first one would start, on a clock that goes on with the work that is given out. */
  tag: number;
}

/**
 * The one whose client was given least is next, so that a client that sends thousands does not starve one that sends one. Who comes
 * back after a pause has no credit for it.
 */
export class FairLine {
  private readonly lines = new Map<string, Line>();
  private clock = 0;
  private count = 0;

  get length(): number {
    return this.count;
  }

  /** Returns what takes it out of the line again, and says whether it was still there. */
  wait(client: string, waiter: Waiter): () => boolean {
    const line = this.lines.get(client) ?? { waiters: [], tag: this.clock };
    if (line.waiters.length === 0) line.tag = Math.max(line.tag, this.clock);
    this.lines.set(client, line);
    line.waiters.push(waiter);
    this.count += 1;
    return () => {
      const place = line.waiters.indexOf(waiter);
      if (place < 0) return false;
      line.waiters.splice(place, 1);
      this.left();
      return true;
    };
  }

  /** Starts the next one. False where nobody waits. */
  startNext(): boolean {
    let next: Line | undefined;
    for (const [client, line] of this.lines) {
      // Of a client that is away, its debt is kept until it is paid.
      if (line.waiters.length === 0 && line.tag <= this.clock) this.lines.delete(client);
      else if (line.waiters.length > 0 && (!next || line.tag < next.tag)) next = line;
    }
    if (!next) return false;
    const waiter = next.waiters.shift() as Waiter;
    this.clock = next.tag;
    next.tag += waiter.cost;
    this.left();
    waiter.start();
    return true;
  }

  private left(): void {
    this.count -= 1;
    if (this.count > 0) return;
    this.lines.clear();
    this.clock = 0;
  }
}
