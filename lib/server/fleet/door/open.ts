/** The work of a server without a device: workers of a fleet do it. No model is opened, and no libtorch. */
import type { FastifyBaseLogger } from 'fastify';
import { Fleet } from '../../../fleet/redis/connect';
import type { PictureCache } from '../../pictures/cache';
import type { TableStore } from '../../tables/table-store';
import type { Metrics } from '../../watch/metrics';
import { Describing } from '../../work/describe';
import { Embedding } from '../../work/embed';
import type { Opened } from '../../work/opened';
import { Ranking } from '../../work/rank';
import { Stations } from '../../work/station';
import { TextCache } from '../../work/text-cache';
import type { Blobs } from './blobs';
import { RemoteDescriber } from './describer';
import { RemoteDevices } from './devices';
import { Door, type DoorOptions } from './door';
import { RemoteEncoders } from './encoders';
import { RemoteTables } from './tables';

export interface DoorParts {
  cache: PictureCache;
  tables: TableStore;
  blobs: Blobs;
  metrics: Metrics;
  log: FastifyBaseLogger;
}

/** Rejects with what Fleet.connect() rejects with. */
export async function openDoor(
  options: DoorOptions & { redis: string; redisPrefix?: string | undefined },
  { cache, tables, blobs, metrics, log }: DoorParts,
): Promise<Opened> {
  const { redis: url, redisPrefix: prefix } = options;
  const fleet = await Fleet.connect({ url, ...(prefix !== undefined && { prefix }) });
  for (const warning of fleet.warnings) log.warn(warning);
  const door = await Door.open(fleet, blobs, options);
  const embedding = new Embedding(new RemoteEncoders(door), cache, new TextCache());
  const remote = new RemoteTables(door, tables);
  metrics.ofFleet('fleet_requests_waiting', 'Requests of this server that workers have, or are to take.', () => door.waiting);
  metrics.ofFleet('fleet_workers', 'Workers that answer the requests of this server.', () => door.workers.live.length);
  return {
    get names() {
      return door.workers.names;
    },
    get hindrance() {
      return door.workers.hindrance;
    },
    stations: new Stations([]),
    devices: new RemoteDevices(door),
    embedding,
    describing: new Describing(new RemoteDescriber(door), cache),
    ranking: new Ranking(embedding, remote),
    tables: remote,
    close: async () => {
      await door.close();
      fleet.close();
    },
  };
}
