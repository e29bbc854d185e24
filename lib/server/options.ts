/** What a server is told when it is made. */
import { statSync } from 'node:fs';
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyServerOptions } from 'fastify';
import { problems } from '../arguments/schema';
import { shownAddress } from '../fleet/redis/connect';
import { type ConfigInput, InterrogatorError } from '../index';
import { isAddress } from './safety/run-places';

const List = (description: string) => Type.Optional(Type.Array(Type.String({ minLength: 1 }), { description }));
const Count = (minimum: number, maximum: number, description: string) => Type.Optional(Type.Integer({ minimum, maximum, description }));
const Flag = (description: string) => Type.Optional(Type.Boolean({ description }));
const Seconds = (description: string) => Type.Optional(Type.Number({ minimum: 0, maximum: 86_400, description }));

/** Each is a flag of `torch-interrogator serve`, and a variable of the environment: maxWait is --max-wait and TI_MAX_WAIT. */
export const SETTINGS = Type.Object(
  {
    clip: List(
      "CLIP models that are loaded at the start, `model/tag` or a bundle's folder; the first is the default. Default: ViT-L-14/openai where it is on this machine, else the sample.",
    ),
    caption: List(
      'Caption models that are loaded at the start; the first is the default. Default: blip-large where it is on this machine, else the sample.',
    ),
    device: List("Devices, each with the same models: 'auto', 'cpu', 'cuda', 'cuda:1'. Default: auto."),
    apiKey: List('Keys, one of which every request must have: Authorization: Bearer KEY. Default: none is needed.'),
    maxBody: Count(1024, 2 ** 31 - 1, 'Most bytes of a request. Default 32 MiB.'),
    maxPixels: Count(1, 2 ** 31 - 1, 'Pictures of more pixels are refused by their header. Default 100,000,000.'),
    maxWait: Seconds('Seconds of work that may be ahead of a request; one that would wait longer is refused with 429. Default 60.'),
    maxWaiting: Count(1, 100_000, 'Requests that may wait at the most. Default 1000.'),
    memory: Type.Optional(
      Type.Number({
        minimum: 0,
        description: 'Bytes of models that may be in memory; those that were used least lately are unloaded. 0, the default: no limit.',
      }),
    ),
    keepAlive: Seconds(
      'Seconds after which a model that nobody used is unloaded, unless it was named at the start. 0: never. Default 300.',
    ),
    cache: Count(0, 2 ** 40, 'Bytes of pictures, features and captions that are kept for later requests. Default 256 MiB.'),
    tables: Type.Optional(Type.String({ minLength: 1, description: 'Folder of uploaded tables. Default: in the cache folder.' })),
    cors: List("Origins whose pages may ask this server: 'https://example.org', or '*'. Default: none but its own page."),
    allowedHosts: List('Names by which this server may be addressed, besides those of the machine itself; for a reverse proxy.'),
    rateLimit: Count(1, 1_000_000, 'Requests a minute of one client at the most. Default: no limit.'),
    trustProxy: Flag("Take the client's address of X-Forwarded-For. Only behind a proxy that sets it."),
    allowUrls: Flag('Fetch pictures of http(s) URLs that clients name, from public addresses. Default false.'),
    allowPull: Flag(
      'Let clients fetch the weights of models that are not on this machine. Default: those on this machine may, where there is no proxy and no key.',
    ),
    logContent: Flag('Let prompts, captions and labels be in the log. Default false.'),
    docs: Flag('Serve /docs. Default true.'),
    page: Flag('Serve the page at /. Default true.'),
    compatible: Flag('Serve the routes of other systems. Default true.'),
    folder: Type.Optional(
      Type.String({ minLength: 1, description: 'A folder of pictures that the page shows, and whose captions it may write.' }),
    ),
    redis: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'The Redis of a fleet of workers: redis://[USER:PASSWORD@]HOST:PORT.',
      }),
    ),
    redisPrefix: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'In front of all keys, where several fleets share a Redis. Default: torch-interrogator.',
      }),
    ),
    runFolders: List(
      'Folders, and addresses (s3://BUCKET/FOLDER, https://HOST/FOLDER), below which runs that clients submit to the fleet may read and write. Default: none, clients submit nothing.',
    ),
    localDevice: Flag('Work on devices of this machine, rather than to leave all requests to the workers of the fleet. Default true.'),
    advertise: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'URL by which workers reach this server, to fetch pictures. Default: where it listens.',
      }),
    ),
    grace: Seconds('Seconds that accepted requests have to end when the server is told to. Default 30.'),
    requestTimeout: Seconds('Seconds that a client has to send a request. Default 60.'),
  },
  { title: 'ServerOptions', additionalProperties: false },
);

export type Settings = Static<typeof SETTINGS>;

export interface ServerOptions extends Settings {
  /** Settings of the models that have no field above: `{ threads: 4, imagePrecision: 'bfloat16' }`. */
  config?: ConfigInput;
  /** Fastify's. Default: JSON lines of level info on stdout. */
  logger?: FastifyServerOptions['logger'];
  /** Where the server is going to listen: '127.0.0.1' (default), '0.0.0.0'. It decides what is safe by default. */
  host?: string;
}

type WithoutDefault = 'folder' | 'rateLimit' | 'clip' | 'caption' | 'tables' | 'redis' | 'redisPrefix' | 'advertise';

export type Settled = Required<Omit<Settings, WithoutDefault>> &
  Pick<Settings, WithoutDefault> & {
    config: ConfigInput;
    host: string;
    /** Fetching models was asked for, and not only left as it is. */
    pullIsForAll: boolean;
  };

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i;

/** Only this machine can reach a server that listens there. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/** Checked, with defaults. Throws ERR_INVALID_ARGUMENT, naming every option that is wrong. */
export function settle({ config = {}, logger: _, host = '127.0.0.1', ...given }: ServerOptions): Settled {
  const settings = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Settings;
  const faults = problems(SETTINGS, settings, 'option');
  const { folder } = settings;
  if (typeof folder === 'string' && !statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    faults.push(`folder: ${folder} is not a folder.`);
  faults.push(...fleetFaults(settings));
  if (faults.length > 0) throw new InterrogatorError('ERR_INVALID_ARGUMENT', `The options of the server: ${faults.join('\n')}`);
  return {
    device: ['auto'],
    apiKey: [],
    maxBody: 32 << 20,
    maxPixels: 100_000_000,
    maxWait: 60,
    maxWaiting: 1000,
    memory: 0,
    keepAlive: 300,
    cache: 256 << 20,
    cors: [],
    allowedHosts: [],
    trustProxy: false,
    allowUrls: false,
    // Behind a proxy everybody is on this machine.
    allowPull:
      isLoopback(host) && !settings.trustProxy && (settings.allowedHosts ?? []).length === 0 && (settings.apiKey ?? []).length === 0,
    logContent: false,
    docs: true,
    page: true,
    compatible: true,
    runFolders: [],
    localDevice: true,
    grace: 30,
    requestTimeout: 60,
    ...settings,
    pullIsForAll: settings.allowPull === true,
    config,
    host,
  };
}

function fleetFaults({ redis, localDevice, advertise, runFolders = [] }: Settings): string[] {
  const faults: string[] = [];
  if (typeof redis === 'string') {
    try {
      shownAddress(redis);
    } catch (error) {
      faults.push((error as Error).message);
    }
  } else if (runFolders.length > 0) faults.push('runFolders: needs redis, where the runs are submitted.');
  for (const place of Array.isArray(runFolders) ? runFolders.filter((each) => typeof each === 'string') : []) {
    const isThere = isAddress(place) ? URL.canParse(place) : statSync(place, { throwIfNoEntry: false })?.isDirectory();
    if (!isThere) faults.push(`runFolders: ${place} is not a folder.`);
  }
  if (localDevice === false && redis === undefined) faults.push('localDevice: false needs redis, for the workers that are to do the work.');
  if (typeof advertise === 'string' && !/^https?:$/.test(URL.canParse(advertise) ? new URL(advertise).protocol : '')) {
    faults.push('advertise: expected a URL such as http://10.0.0.5:7860.');
  }
  return faults;
}
