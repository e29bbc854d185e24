/** Which workers of a fleet live, and what they say of themselves. */
import { randomBytes } from 'node:crypto';
import os from 'node:os';
import type { Redis } from 'ioredis';
import type { Fleet } from './connect';
import { within } from './within';

const { version } = require('../../../package.json') as { version: string };

const BEAT_MS = 5000;
const STOP_MS = 1000;
/** Who was not heard of for so long is dead. */
export const DEAD_MS = 15_000;
/** The dead are shown for a while, and then forgotten. */
const FORGOTTEN_MS = 10 * 60_000;

/** What every worker says. What it does adds its own fields: see Heartbeat.tell(). */
export interface WorkerInfo {
  host: string;
  pid: number;
  version: string;
  /** Milliseconds since 1970, of the worker's own clock. */
  since: number;
}

export interface SeenWorker<T extends object = object> {
  id: string;
  info: WorkerInfo & T;
  /** Milliseconds since it was heard of last. */
  age: number;
  isAlive: boolean;
}

/** By Redis's clock: those of machines may differ. */
const BEAT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
end
`;

const LIST = `
local time = redis.call('TIME')
local found = { time[1] * 1000 + math.floor(time[2] / 1000), {} }
local seen = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #seen, 2 do
  found[2][#found[2] + 1] = { seen[i], tonumber(seen[i + 1]), redis.call('HGET', KEYS[2], seen[i]) or '{}' }
end
return found
`;

/** Says that this process lives, every 5 s. */
export class Heartbeat {
  readonly id = `${os.hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`;
  private readonly since = Date.now();
  private readonly parts: (() => object)[] = [];
  private readonly timer: NodeJS.Timeout;
  private isStopped = false;
  private fault = '';

  /** `onFault`: told what Redis refuses, once of each fault. */
  constructor(
    private readonly fleet: Fleet,
    private readonly onFault: (error: Error) => void = () => {},
  ) {
    this.timer = setInterval(() => void this.beat(), BEAT_MS).unref();
  }

  /** Adds what `part` returns to each beat from now on. */
  tell(part: () => object): void {
    this.parts.push(part);
  }

  /** Now, not only at the next beat: something has changed. Resolves when Redis knows. */
  async beat(): Promise<void> {
    if (this.isStopped) return;
    const { redis } = this.fleet;
    const info: WorkerInfo = { host: os.hostname(), pid: process.pid, version, since: this.since };
    const text = JSON.stringify(Object.assign(info, ...this.parts.map((part) => part())));
    // One that fails is followed by the next. Without a connection it would wait, and then come all at once.
    if (redis.status !== 'ready') return;
    const beating = redis.eval(BEAT, 2, ...keysOf(this.fleet), this.id, text, FORGOTTEN_MS).then(
      () => {
        this.fault = '';
      },
      (error: Error) => {
        if (error.message !== this.fault) this.onFault(error);
        this.fault = error.message;
      },
    );
    // A Redis that takes no notice keeps nobody waiting.
    await within(beating, BEAT_MS);
  }

  /** It is not there any more from now on. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
    const { redis } = this.fleet;
    const [seen, info] = keysOf(this.fleet);
    if (redis.status === 'ready') await within(redis.multi().zrem(seen, this.id).hdel(info, this.id).exec(), STOP_MS);
  }
}

/** Those that live first, then by their age. */
export async function listWorkers<T extends object = object>(fleet: Fleet, redis: Redis = fleet.redis): Promise<SeenWorker<T>[]> {
  type Found = [now: number, [id: string, at: number, info: string][]];
  const [now, found] = (await redis.eval(LIST, 2, ...keysOf(fleet))) as Found;
  const workers = found.map(([id, at, text]) => {
    const age = Math.max(0, now - at);
    return { id, info: JSON.parse(text) as WorkerInfo & T, age, isAlive: age < DEAD_MS };
  });
  return workers.sort((a, b) => Number(b.isAlive) - Number(a.isAlive) || a.info.since - b.info.since);
}

function keysOf(fleet: Fleet): [seen: string, info: string] {
  return [fleet.key('workers'), fleet.key('worker-info')];
}
