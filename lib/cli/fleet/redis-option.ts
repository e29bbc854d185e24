/** Which Redis a fleet shares. */
import { type Command, Option } from 'commander';
import type { Fleet } from '../../fleet';

export interface RedisOptions {
  redis: string;
  redisPrefix?: string;
}

export function addRedisOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--redis <url>', 'the Redis of the fleet: redis://USER:PASSWORD@HOST:PORT/DATABASE, rediss:// for TLS')
        .env('TI_REDIS')
        .default('redis://127.0.0.1:6379'),
    )
    .addOption(
      new Option('--redis-prefix <name>', 'in front of all keys, where several fleets share a Redis (default: torch-interrogator)').env(
        'TI_REDIS_PREFIX',
      ),
    );
}

/** Runs `work` with connections that are closed at its end. What is not well with the Redis is told on stderr. */
export async function withFleet<T>({ redis: url, redisPrefix: prefix }: RedisOptions, work: (fleet: Fleet) => Promise<T>): Promise<T> {
  const { Fleet: Fleets, redisFault } = require('../../fleet') as typeof import('../../fleet');
  using fleet = await Fleets.connect({ url, ...(prefix !== undefined && { prefix }) });
  for (const warning of fleet.warnings) console.error(`warning: ${warning}`);
  try {
    return await work(fleet);
  } catch (error) {
    throw redisFault(error);
  }
}

/** What people are told where Redis is lost, and when it is back. */
export function reachLine(isReached: boolean): string {
  return isReached ? 'Redis answers again.' : 'Redis does not answer: waiting for it. Ctrl-C gives up.';
}
