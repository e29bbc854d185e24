/** What a server has behind its routes once it knows the names of its models. */
import type { Refusal } from '../answers/refusal';
import type { ModelNames } from '../models/names';
import type { Describing } from './describe';
import type { Devices } from './devices';
import type { Embedding } from './embed';
import type { Ranking, Tables } from './rank';
import type { Stations } from './station';

export interface Opened {
  readonly names: ModelNames;
  /** Devices of this process: none where others do the work. */
  readonly stations: Stations;
  readonly devices: Devices;
  readonly embedding: Embedding;
  readonly describing: Describing;
  readonly ranking: Ranking;
  readonly tables: Tables;
  /** Why nothing can be served just now. */
  readonly hindrance?: Refusal | undefined;
  /** Once, at the end. */
  close(): Promise<void>;
}
