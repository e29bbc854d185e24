/** The devices of this process. */
import type { BundleKind, EngineStats } from '../../../index';
import type { DeviceStatus } from '../../contract/models';
import type { Borrowed } from '../../models/model-host';
import type { PairWish } from '../../models/pair';
import type { QueueCounts } from '../../queue/device-queue';
import type { Caller } from '../caller';
import type { Devices } from '../devices';
import type { Stations } from '../station';

export class LocalDevices implements Devices {
  constructor(
    private readonly stations: Stations,
    /** Bytes of models; 0: no limit. */
    private readonly memory: number,
  ) {}

  get shown(): DeviceStatus[] {
    return this.stations.all.map(({ host, queue }) => {
      const stats = host.deviceStats;
      const { running, waiting, waitSeconds } = queue.counts;
      return {
        name: stats?.name ?? host.device,
        threads: stats?.threads ?? 0,
        running,
        waiting,
        waitSeconds,
        busySeconds: stats?.busySeconds ?? 0,
        weightBytes: stats?.weightBytes ?? 0,
        memoryLimit: this.memory || null,
      };
    });
  }

  get lines(): QueueCounts[] {
    return this.stations.all.map(({ queue }) => queue.counts);
  }

  get stats(): EngineStats['device'][] {
    return this.stations.all.flatMap(({ host }) => host.deviceStats ?? []);
  }

  get openClips(): string[] {
    return this.stations.all.flatMap(({ host }) => host.interrogators.map(({ clip }) => clip));
  }

  get contextTokens(): number {
    return this.stations.first.host.anyInterrogator?.contextTokens ?? 0;
  }

  state(kind: BundleKind, name: string): 'resident' | 'loading' | 'absent' {
    const states = this.stations.all.map(({ host }) => host.state(kind, name));
    return states.find((state) => state === 'resident') ?? states.find((state) => state === 'loading') ?? 'absent';
  }

  memoryOf(kind: BundleKind, name: string): number | undefined {
    return this.stations.first.host.memoryOf(kind, name);
  }

  async load({ signal, report }: Caller, wish: PairWish): Promise<void> {
    for (const { host } of this.stations.all) (await host.borrow(wish, signal, report))[Symbol.dispose]();
  }

  async unload(kind: BundleKind, name: string): Promise<boolean> {
    const hosts = this.stations.all.map(({ host }) => host).filter((host) => host.state(kind, name) !== 'absent');
    await Promise.all(hosts.map((host) => host.unload(kind, name)));
    return hosts.length > 0;
  }

  borrow(wish: PairWish, signal: AbortSignal): Promise<Borrowed> {
    return this.stations.first.host.borrow(wish, signal);
  }
}
