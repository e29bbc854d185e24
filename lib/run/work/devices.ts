/** The devices of a run, each with models of its own, and the one that has least to do. */
import { Admission } from '../../admission';
import { Config, Interrogator, type ProgressListener } from '../../api';
import { Worker } from './worker';

/** Enough for full passes over the models, and so that others are decoded meanwhile. */
const AT_ONCE = { cpu: 16, cuda: 64 };
/** Chains take turns instead of sharing passes: more at once would only let the first come later. */
const CHAINS_AT_ONCE = 4;

export interface DeviceOptions {
  config: Config;
  /** Names as Config has them; one run works on all of them. */
  devices: readonly string[];
  /** These instead of new ones. They stay open. */
  interrogators?: readonly Interrogator[];
  /** Pictures a device at the same time; by the device where it is left out. */
  concurrency?: number;
  /** The work is of chains, which take long. */
  chains: boolean;
  signal: AbortSignal;
  onProgress: ProgressListener;
}

export class Devices {
  private readonly busy: number[];
  private readonly places: Admission;
  /** Pictures on all devices together. */
  readonly most: number;

  private constructor(
    private readonly interrogators: readonly Interrogator[],
    private readonly ownsThem: boolean,
    readonly workers: readonly Worker[],
    /** Pictures that each takes at the same time. */
    private readonly room: readonly number[],
  ) {
    this.busy = workers.map(() => 0);
    this.most = room.reduce((sum, each) => sum + each, 0);
    this.places = new Admission(this.most);
  }

  static async open(options: DeviceOptions): Promise<Devices> {
    const { concurrency, chains, onProgress } = options;
    const interrogators = options.interrogators ?? (await load(options));
    const room = interrogators.map((interrogator) => {
      const usual = interrogator.stats().device.name === 'cpu' ? AT_ONCE.cpu : AT_ONCE.cuda;
      const { maxBatch, maxQueue } = interrogator.config;
      // What is beyond would be refused.
      return Math.min(concurrency ?? (chains ? Math.min(CHAINS_AT_ONCE, usual) : usual), maxBatch + maxQueue);
    });
    const workers = interrogators.map((interrogator) => new Worker(interrogator, onProgress));
    return new Devices(interrogators, options.interrogators === undefined, workers, room);
  }

  /** All have the same models. */
  get first(): Interrogator {
    return this.interrogators[0] as Interrogator;
  }

  /** `cpu`, `cuda:0`. */
  get names(): string[] {
    return this.interrogators.map((each) => each.stats().device.name);
  }

  /** Runs `work` on the device with the most room, once there is a place. */
  async use<T>(signal: AbortSignal, work: (worker: Worker) => Promise<T>): Promise<T> {
    const leave = await this.places.enter(1, signal);
    const loads = this.busy.map((busy, i) => busy / (this.room[i] as number));
    const place = loads.indexOf(Math.min(...loads));
    this.busy[place] = (this.busy[place] as number) + 1;
    try {
      return await work(this.workers[place] as Worker);
    } finally {
      this.busy[place] = (this.busy[place] as number) - 1;
      leave();
    }
  }

  async dispose(): Promise<void> {
    for (const worker of this.workers) worker.close();
    if (this.ownsThem) for (const each of this.interrogators) await each.dispose();
  }
}

/** One after the other: they read the same files. */
async function load({ config, devices, signal, onProgress }: DeviceOptions): Promise<Interrogator[]> {
  const interrogators: Interrogator[] = [];
  try {
    for (const device of devices) {
      const own = new Config({ ...config, device, quiet: true });
      interrogators.push(await Interrogator.create(own, { signal, onProgress }));
    }
    return interrogators;
  } catch (error) {
    for (const each of interrogators) await each.dispose();
    throw error;
  }
}
