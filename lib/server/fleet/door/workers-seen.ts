/** The workers of the fleet, as a door sees them: looked at every second. */
import type { Fleet } from '../../../fleet/redis/connect';
import { DEAD_MS, listWorkers, type SeenWorker } from '../../../fleet/redis/workers';
import { Refusal } from '../../answers/refusal';
import { ModelNames } from '../../models/names';
import type { ResponderInfo } from '../wire';

const LOOK_MS = 1000;
const RETRY_SECONDS = 5;

type Worker = SeenWorker<ResponderInfo>;

export interface WorkersSeenOptions {
  version: string;
  /** Names of models that the door was started with; undefined: the workers'. */
  clip: readonly string[] | undefined;
  caption: readonly string[] | undefined;
  onLook(): void;
}

export class WorkersSeen {
  /** Of this version, those that take requests. */
  live: readonly Worker[] = [];
  /** Since there has been nobody; undefined where somebody is. Milliseconds, of performance.now(). */
  aloneSince: number | undefined = performance.now();
  private others: readonly Worker[] = [];
  private lookedAt = performance.now();
  private readonly timer: NodeJS.Timeout;
  private isLooking = false;
  /** What every worker has; nothing before the first was seen. Those of the last one hold until there is another. */
  names: ModelNames;

  constructor(
    private readonly fleet: Fleet,
    private readonly options: WorkersSeenOptions,
  ) {
    this.names = this.namesOf([]);
    this.timer = setInterval(() => void this.look().catch(() => {}), LOOK_MS).unref();
  }

  /** Of all of them. */
  get places(): number {
    return this.live.reduce((sum, { info }) => sum + info.places, 0);
  }

  get hindrance(): Refusal | undefined {
    if (performance.now() - this.lookedAt > DEAD_MS) {
      return this.refusal('The Redis of the fleet does not answer.', 'It is tried again and again: is it running?');
    }
    if (this.live.length > 0) return undefined;
    const versions = [...new Set(this.others.map(({ info }) => info.version))];
    if (versions.length > 0) {
      const hint = `Start workers of version ${this.options.version}, or a server of theirs.`;
      return this.refusal(`The workers are of version ${versions.join(', ')}, and this server of ${this.options.version}.`, hint);
    }
    return this.refusal('No worker is there to do the work.', 'Start one: torch-interrogator worker --redis URL');
  }

  async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    try {
      if (this.fleet.redis.status === 'ready') this.take(await listWorkers<ResponderInfo>(this.fleet));
    } finally {
      this.isLooking = false;
      if (this.live.length > 0) this.aloneSince = undefined;
      else this.aloneSince ??= performance.now();
      this.options.onLook();
    }
  }

  close(): void {
    clearInterval(this.timer);
  }

  private take(workers: readonly Worker[]): void {
    this.lookedAt = performance.now();
    const answering = workers.filter(({ isAlive, info }) => isAlive && info.places > 0);
    this.live = answering.filter(({ info }) => info.version === this.options.version);
    this.others = answering.filter(({ info }) => info.version !== this.options.version);
    if (this.live.length > 0) this.names = this.namesOf(this.live.map(({ info }) => info));
  }

  /** A request is taken by any of them: each must have its model. */
  private namesOf([first, ...others]: readonly ResponderInfo[]): ModelNames {
    const { models = [], defaults = { clip: [], caption: [] } } = first ?? {};
    const common = models.filter(({ kind, name }) =>
      others.every((other) => other.models.some((each) => each.kind === kind && each.name === name)),
    );
    const { clip = defaults.clip, caption = defaults.caption } = this.options;
    return ModelNames.ofOthers(
      common.map(({ kind, name, memory, embedDim, repository }) => ({
        ...{ kind, name, source: name, memory, embedDim, repository },
        download: 0,
        isInstalled: true,
      })),
      { clip, caption: caption.length === 1 && caption[0] === 'none' ? [] : caption },
    );
  }

  private refusal(what: string, hint: string): Refusal {
    return new Refusal(503, 'ERR_NOT_READY', what, { hint, retryAfter: RETRY_SECONDS });
  }
}
