/** The work of a server on devices of this process: without routes, so that a worker of a fleet has the same. */
import path from 'node:path';
import { type ConfigInput, cacheFolder, type ProgressListener } from '../../../index';
import { ModelHost, type ModelHostOptions } from '../../models/model-host';
import { ModelNames } from '../../models/names';
import type { PictureCache } from '../../pictures/cache';
import { noisePicture } from '../../pictures/noise';
import { PictureBytes } from '../../pictures/picture';
import { DeviceQueue } from '../../queue/device-queue';
import type { Caller } from '../caller';
import { Describing } from '../describe';
import { Embedding } from '../embed';
import type { Opened } from '../opened';
import { Ranking } from '../rank';
import { Stations } from '../station';
import { TextCache } from '../text-cache';
import { LocalDescriber } from './describer';
import { LocalDevices } from './devices';
import { LocalEncoders } from './encoders';
import { LocalTables, type TableSource } from './tables';

/** As in runs: enough for full passes, and so that others are decoded meanwhile. */
const PLACES = { cpu: 16, cuda: 64 };

/** Requests that a device has at a time. */
export function placesOf(device: string): number {
  return device.startsWith('cuda') ? PLACES.cuda : PLACES.cpu;
}

export interface LocalOptions extends Pick<ModelHostOptions, 'memory' | 'keepAlive' | 'onEvent'> {
  /** Names of models or their folders; see ModelNames.load(). */
  clip: readonly string[] | undefined;
  caption: readonly string[] | undefined;
  device: readonly string[];
  config: ConfigInput;
  maxWait: number;
  maxWaiting: number;
  maxPixels: number;
}

export interface LocalParts extends Opened {
  /** Opens the models that were named, so that they stay: the first of a kind with all of the other. */
  preload(onProgress: ProgressListener): Promise<void>;
  /**
   * One picture of noise through what most requests ask for: the tables of terms are ready then, and the queue knows how long pictures
   * take before the first request waits in it.
   */
  warm(caller: Caller): Promise<void>;
}

/** Opens no model yet. */
export async function openLocal(options: LocalOptions, given: { cache: PictureCache; tables: TableSource }): Promise<LocalParts> {
  const { clip, caption, device, config, maxWait, maxWaiting, memory, keepAlive, maxPixels, onEvent } = options;
  const names = await ModelNames.load({ clip, caption });
  const shared: ConfigInput = { cachePath: labelsFolder(), maxPixels, ...config };
  const stations = new Stations(
    device.map((each) => ({
      host: new ModelHost({ device: each, names, config: shared, memory, keepAlive, onEvent }),
      queue: new DeviceQueue({ maxWait, maxWaiting, places: placesOf(each) }),
    })),
  );
  const embedding = new Embedding(new LocalEncoders(stations), given.cache, new TextCache());
  const tables = new LocalTables(stations, given.tables);
  const parts: LocalParts = {
    names,
    stations,
    devices: new LocalDevices(stations, memory),
    embedding,
    describing: new Describing(new LocalDescriber(stations), given.cache),
    ranking: new Ranking(embedding, tables),
    tables,
    preload: async (onProgress) => {
      await Promise.all(stations.all.map(({ host }) => preload(host, names, onProgress)));
    },
    warm: (caller) => warm(parts, given.cache, caller),
    // They end what is being loaded, and what waits for it.
    close: async () => {
      await Promise.all(stations.all.map(({ host }) => host.dispose()));
    },
  };
  return parts;
}

export function labelsFolder(): string {
  return path.join(cacheFolder(), 'labels');
}

async function preload(host: ModelHost, { defaults }: ModelNames, onProgress: ProgressListener): Promise<void> {
  const [clip = ''] = defaults.clip;
  const [caption = null] = defaults.caption;
  for (const each of defaults.clip) await host.preload({ clip: each, caption }, onProgress);
  for (const each of defaults.caption.slice(1)) await host.preload({ clip, caption: each }, onProgress);
}

async function warm({ names, describing, embedding }: Opened, cache: PictureCache, caller: Caller): Promise<void> {
  const [clip = ''] = names.defaults.clip;
  const [caption = null] = names.defaults.caption;
  const picture = { id: 'warm-up', bytes: new PictureBytes(noisePicture(), 0) };
  const wish = { models: { clip, caption }, modes: ['fast'] as const };
  for (let round = 0; round < 3; round += 1) {
    await describing.describe(caller, picture, { ...wish, caption: 'noise' });
    await embedding.textRows(caller, [`noise ${round}`], clip);
    cache.forget(picture.id);
  }
  if (caption !== null) await describing.describe(caller, picture, wish);
  cache.forget(picture.id);
}
