/** The workers' devices and models, as they say. */
import type { BundleKind } from '../../../index';
import { Refusal } from '../../answers/refusal';
import type { DeviceStatus } from '../../contract/models';
import type { Borrowed } from '../../models/model-host';
import type { PairWish } from '../../models/pair';
import type { QueueCounts } from '../../queue/device-queue';
import type { Caller } from '../../work/caller';
import type { Devices } from '../../work/devices';
import type { InfoModel } from '../wire';
import type { Door } from './door';

export class RemoteDevices implements Devices {
  readonly stats = [];

  constructor(private readonly door: Door) {}

  get shown(): DeviceStatus[] {
    const { waitSeconds } = this.door.line.counts;
    return this.door.workers.live.flatMap(({ id, info }) =>
      info.devices.map(({ name, ...figures }) => ({ name: `${name} at ${id}`, ...figures, waitSeconds, memoryLimit: null })),
    );
  }

  get lines(): QueueCounts[] {
    return [this.door.line.counts];
  }

  get openClips(): string[] {
    return this.models.flatMap(({ kind, name, state }) => (kind === 'clip' && state === 'resident' ? [name] : []));
  }

  get contextTokens(): number {
    return this.door.workers.live[0]?.info.contextTokens ?? 0;
  }

  state(kind: BundleKind, name: string): 'resident' | 'loading' | 'absent' {
    const states = this.of(kind, name).map(({ state }) => state);
    return states.find((state) => state === 'resident') ?? states.find((state) => state === 'loading') ?? 'absent';
  }

  memoryOf(kind: BundleKind, name: string): number | undefined {
    return this.of(kind, name).find(({ memory }) => memory !== null)?.memory ?? undefined;
  }

  /** By the worker that takes it; the others load it when a request asks them for it. */
  async load(caller: Caller, wish: PairWish): Promise<void> {
    await this.door.ask(caller, 'load', () => ({ wish }));
    await this.door.workers.look();
  }

  async unload(kind: BundleKind, name: string): Promise<boolean> {
    if (this.state(kind, name) === 'absent') return false;
    throw new Refusal(409, 'ERR_CONFLICT', `${name} is in the memory of workers, who unload it themselves when nobody uses it.`, {
      hint: 'They do so after five minutes. To have fewer models in memory, start the workers with less --memory.',
    });
  }

  async borrow(): Promise<Borrowed> {
    throw new Refusal(409, 'ERR_CONFLICT', 'This server has no device for a run over its folder.', {
      hint: 'Start it without --no-local-device.',
    });
  }

  private get models(): InfoModel[] {
    return this.door.workers.live.flatMap(({ info }) => info.models);
  }

  private of(kind: BundleKind, name: string): InfoModel[] {
    return this.models.filter((each) => each.kind === kind && each.name === name);
  }
}
