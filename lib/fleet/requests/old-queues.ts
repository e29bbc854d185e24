/** Each version has a queue of its own: those that nobody uses any more are removed, with all that is left in them. */
import type { Fleet } from '../redis/connect';
import { REQUESTS } from './wire';

/** A queue that nobody of its version has used for so long is not needed. */
const UNUSED_SECONDS = 86_400;

/** By Redis's clock. */
const USE = `
local now = redis.call('TIME')[1]
redis.call('ZADD', KEYS[1], now, ARGV[1])
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
`;

/** Notes that the queue of this version is used now. Resolves with the names of those that have not been used for a day. */
export async function useQueue(fleet: Fleet): Promise<string[]> {
  return (await fleet.redis.eval(USE, 1, keyOf(fleet), REQUESTS, UNUSED_SECONDS)) as string[];
}

/** Where another removes the same one meanwhile, it may reject: the next call finds what is left. */
export async function removeQueues(fleet: Fleet, names: readonly string[]): Promise<void> {
  const { Queue } = require('bullmq') as typeof import('bullmq');
  for (const name of names) {
    const queue = new Queue(name, { connection: fleet.redis, prefix: fleet.prefix });
    queue.on('error', () => {});
    try {
      await queue.obliterate({ force: true });
      await fleet.redis.zrem(keyOf(fleet), name);
    } finally {
      await queue.close();
    }
  }
}

function keyOf(fleet: Fleet): string {
  return fleet.key('request-queues');
}
