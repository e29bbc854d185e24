/** The devices that do the work, of this process or of others, and the models that they have. */
import type { BundleKind, EngineStats } from '../../index';
import type { DeviceStatus } from '../contract/models';
import type { Borrowed } from '../models/model-host';
import type { PairWish } from '../models/pair';
import type { QueueCounts } from '../queue/device-queue';
import type { Caller } from './caller';

export interface Devices {
  /** As /v1/status tells of them. */
  readonly shown: readonly DeviceStatus[];
  /** Lines of requests before them. */
  readonly lines: readonly QueueCounts[];
  /** Of those of this process, what they say of themselves. */
  readonly stats: readonly EngineStats['device'][];
  /** CLIP models that are in memory. */
  readonly openClips: readonly string[];
  /** Tokens that the default CLIP model reads; 0 where that is not known yet. */
  readonly contextTokens: number;
  state(kind: BundleKind, name: string): 'resident' | 'loading' | 'absent';
  /** Bytes of a model that is, or was, open. */
  memoryOf(kind: BundleKind, name: string): number | undefined;
  /** Loads a pair that requests are going to ask for. */
  load(caller: Caller, wish: PairWish): Promise<void>;
  /** False where it was not in memory. Rejects with 409 where it is in use. */
  unload(kind: BundleKind, name: string): Promise<boolean>;
  /** An interrogator for a run over a folder. */
  borrow(wish: PairWish, signal: AbortSignal): Promise<Borrowed>;
}
