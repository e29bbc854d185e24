/** Progress on its way to Redis: in its order, several at once where it is slower than they come, and without those that are outrun. */

/** Between two that are sent. */
const PAUSE_MS = 40;

export class ProgressLine {
  private waiting: { item: unknown; passes: boolean }[] = [];
  private sending: Promise<void> | undefined;

  constructor(private readonly send: (items: readonly unknown[]) => Promise<void>) {}

  /** `passes`: the next one of this kind says all that it says. */
  add(item: unknown, { passes }: { passes: boolean }): void {
    if (passes && this.waiting.at(-1)?.passes) this.waiting.pop();
    this.waiting.push({ item, passes });
    this.sending ??= this.sendAll().finally(() => {
      this.sending = undefined;
    });
  }

  /** All were sent. */
  async flush(): Promise<void> {
    await this.sending;
  }

  private async sendAll(): Promise<void> {
    while (this.waiting.length > 0) {
      const items = this.waiting.map(({ item }) => item);
      this.waiting = [];
      // Whoever waits for the result can do without.
      await this.send(items).catch(() => {});
      if (this.waiting.every(({ passes }) => passes)) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
