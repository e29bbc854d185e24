/** The Redis of a fleet: found, allowed, and set so that it loses nothing. */
import type { Redis, RedisOptions } from 'ioredis';
import { InterrogatorError } from '../../index';

/** In front of all keys of a fleet: several may share a Redis. */
export const DEFAULT_PREFIX = 'torch-interrogator';
const CONNECT_MS = 5000;
/** ioredis waits so long for the end of a connection, also of one that has ended: nothing else is to keep a process from ending. */
const DISCONNECT_MS = 200;
/** BullMQ's least. */
const LEAST_VERSION = [6, 2];
const LONGEST_PAUSE_MS = 2000;
/** Without an answer for so long, a connection is dead and does not know it. Longer than commands wait that wait: BullMQ's at most 10 s. */
const SILENCE_MS = 12_000;

export interface FleetAddress {
  /** `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS. */
  url: string;
  /** Default 'torch-interrogator'. */
  prefix?: string;
  /** Milliseconds without an answer after which a connection counts as lost, and is made again. Default 12,000. */
  silenceMs?: number;
}

/** Connections to one Redis. Those that are open here are closed with it. */
export class Fleet {
  private readonly open = new Set<Redis>();

  private constructor(
    readonly prefix: string,
    private readonly options: RedisOptions & { url: string },
    /** For commands that do not wait. Lost connections are made again, and commands wait for them. */
    readonly redis: Redis,
    /** What is not as it should be, and still works. */
    readonly warnings: readonly string[],
  ) {
    this.open.add(redis);
  }

  /**
   * Rejects with ERR_INVALID_ARGUMENT for a URL that is none, and with ERR_REDIS where no Redis answers, where it wants another password,
   * where it is too old, and where it may throw away what it holds (`maxmemory-policy` other than `noeviction`).
   */
  static async connect({ url, prefix = DEFAULT_PREFIX, silenceMs = SILENCE_MS }: FleetAddress): Promise<Fleet> {
    const where = shownAddress(url);
    const patience = { connectTimeout: CONNECT_MS, socketTimeout: silenceMs, keepAlive: 10_000, disconnectTimeout: DISCONNECT_MS };
    const options = { url, ...patience, maxRetriesPerRequest: null, enableReadyCheck: true } as const;
    const redis = await firstConnection(options, where);
    try {
      await checkDatabase(redis, where);
      const warnings = await checkServer(redis, where);
      redis.options.retryStrategy = pauseBefore;
      redis.options.socketTimeout = silenceMs;
      return new Fleet(prefix, options, redis, warnings);
    } catch (error) {
      end(redis);
      throw error;
    }
  }

  /** Another connection, for commands that wait: a connection does one thing after the other. */
  connection(): Redis {
    const connection = newRedis({ ...this.options, retryStrategy: pauseBefore });
    this.open.add(connection);
    connection.once('end', () => this.open.delete(connection));
    return connection;
  }

  /** Tells when Redis is lost (`false`), at once where it is already, and when it is back. Returns what ends the telling. */
  onReach(tell: (isReached: boolean) => void): () => void {
    const { redis } = this;
    let isReached = true;
    const say = (now: boolean): void => {
      if (now === isReached) return;
      isReached = now;
      tell(now);
    };
    const lost = (): void => say(false);
    const back = (): void => say(true);
    redis.on('close', lost).on('ready', back);
    if (redis.status !== 'ready') lost();
    return () => void redis.off('close', lost).off('ready', back);
  }

  /** A key of the fleet. */
  key(...parts: readonly (string | number)[]): string {
    return [this.prefix, ...parts].join(':');
  }

  /** Also where Redis cannot be reached: nothing is waited for. */
  close(): void {
    for (const each of this.open) end(each);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Of one that has ended already, ioredis would wait for the end for two seconds. */
function end(redis: Redis): void {
  if (redis.status !== 'end') redis.disconnect();
}

function pauseBefore(times: number): number {
  return Math.min(50 * 2 ** Math.min(times, 10), LONGEST_PAUSE_MS) * (0.75 + Math.random() / 2);
}

function newRedis({ url, ...options }: RedisOptions & { url: string }): Redis {
  const { Redis } = require('ioredis') as typeof import('ioredis');
  const redis = new Redis(url, options);
  // It is told by what waits for it. Without a listener each lost connection would be printed.
  redis.on('error', () => {});
  return redis;
}

/** The first one is not tried again: whoever mistyped the address is to know. */
async function firstConnection(options: RedisOptions & { url: string }, where: string): Promise<Redis> {
  const redis = newRedis({ ...options, socketTimeout: CONNECT_MS, lazyConnect: true, retryStrategy: () => null });
  let reason: Error | undefined;
  redis.on('error', (error: Error) => {
    reason = error;
  });
  try {
    await redis.connect();
    return redis;
  } catch (cause) {
    end(redis);
    throw connectionFailure(reason ?? (cause as Error), where);
  }
}

const START = 'redis-server --appendonly yes --maxmemory-policy noeviction';

function connectionFailure(cause: Error, where: string): InterrogatorError {
  const { code = '', message } = firstOf(cause);
  if (/NOAUTH|WRONGPASS|invalid (username-)?password|without any password/i.test(message)) {
    const problem = /NOAUTH/.test(message) ? 'wants a password' : 'does not take this user and password';
    return new InterrogatorError('ERR_REDIS', `The Redis at ${where} ${problem}.`, {
      hint: 'Give them in the address: redis://USER:PASSWORD@HOST:PORT (the user of old ones is default).',
      cause,
    });
  }
  const why = REASONS[code] ?? (/^Socket timeout/.test(message) ? 'it says nothing' : message);
  return new InterrogatorError('ERR_REDIS', `No Redis answers at ${where}: ${why}.`, {
    hint: `Is it running? Check the address, or start one: ${START}`,
    cause,
  });
}

const NO_REDIS = 'the connection is broken off, as by what is no Redis, or by one that speaks TLS (rediss://)';
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection is refused',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up',
  ETIMEDOUT: 'it takes too long',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ECONNRESET: NO_REDIS,
  EPIPE: NO_REDIS,
};

/** A name of several addresses fails with all of their errors. */
function firstOf(error: Error): NodeJS.ErrnoException {
  const { errors } = error as AggregateError;
  return errors?.[0] ?? error;
}

/** Where there is none of this number, the connection would be one to another one. */
async function checkDatabase(redis: Redis, where: string): Promise<void> {
  const { db = 0 } = redis.options;
  if (db === 0) return;
  await redis.select(db).catch((cause: Error) => {
    if (!/index/i.test(cause.message)) throw connectionFailure(cause, where);
    throw new InterrogatorError('ERR_REDIS', `The Redis at ${where} has no database ${db}.`, {
      hint: 'Name another one: its setting `databases` says how many it has, 16 as it comes.',
      cause,
    });
  });
}

/** Throws ERR_REDIS for what cannot carry a fleet; resolves with what is not well. */
async function checkServer(redis: Redis, where: string): Promise<string[]> {
  const info = await redis.info().catch((cause: Error) => {
    if (/NOAUTH|WRONGPASS/.test(cause.message)) throw connectionFailure(cause, where);
    // A user may be kept from it.
    return undefined;
  });
  if (info === undefined)
    return [`The Redis at ${where} does not tell how it is set: it needs maxmemory-policy noeviction and appendonly yes.`];
  const fields = new Map(info.split(/\r?\n/).map((line) => line.split(':', 2) as [string, string]));
  const version = fields.get('redis_version') ?? '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (version !== '' && (major < (LEAST_VERSION[0] as number) || (major === LEAST_VERSION[0] && minor < (LEAST_VERSION[1] as number)))) {
    throw new InterrogatorError('ERR_REDIS', `The Redis at ${where} is version ${version}.`, { hint: 'Use 6.2 or a newer one.' });
  }
  const policy = fields.get('maxmemory_policy') ?? 'noeviction';
  if (policy !== 'noeviction') {
    throw new InterrogatorError(
      'ERR_REDIS',
      `The Redis at ${where} throws away what it holds when its memory is full (${policy}): work would be lost.`,
      {
        hint: 'Set it: redis-cli CONFIG SET maxmemory-policy noeviction, and in redis.conf.',
      },
    );
  }
  if (fields.get('redis_mode') === 'cluster') {
    throw new InterrogatorError('ERR_REDIS', `The Redis at ${where} is a part of a cluster.`, {
      hint: 'A fleet uses one Redis: name one that is by itself.',
    });
  }
  if (fields.get('role') === 'slave') {
    throw new InterrogatorError('ERR_REDIS', `The Redis at ${where} is a replica, which takes no writes.`, { hint: 'Name its primary.' });
  }
  if (fields.get('aof_enabled') === '0') {
    return [`The Redis at ${where} keeps no log of its writes (appendonly no): after its restart, runs are lost or begin again.`];
  }
  return [];
}

/** What a Redis refused, in plain words; other errors stay as they are. */
export function redisFault(error: unknown): unknown {
  const { name, message } = error as Error;
  if (name !== 'ReplyError') return error;
  // Within a script, older ones say it in a sentence of their own.
  if (/\bOOM\b/.test(message)) {
    return new InterrogatorError('ERR_REDIS', 'The memory that Redis may use is full.', {
      hint: 'Raise its maxmemory, or remove runs: torch-interrogator run remove.',
      cause: error,
    });
  }
  return new InterrogatorError('ERR_REDIS', `Redis refuses: ${message}`, { cause: error });
}

/** For people. */
export function faultMessage(error: unknown): string {
  return (redisFault(error) as Error).message;
}

/** Without the password. Throws ERR_INVALID_ARGUMENT. */
export function shownAddress(url: string): string {
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (!address || !/^rediss?:$/.test(address.protocol) || address.hostname === '' || !/^(\/\d*)?$/.test(address.pathname)) {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', 'redis: expected an address such as redis://127.0.0.1:6379.', {
      hint: 'redis://USER:PASSWORD@HOST:PORT/DATABASE, or rediss:// for TLS. Signs of a password that URLs take for their own are escaped (%40 for @).',
    });
  }
  return `${address.hostname}:${address.port || 6379}${address.pathname.length > 1 ? address.pathname : ''}`;
}
