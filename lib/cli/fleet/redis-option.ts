/** Which Redis a fleet shares. */
import { type Command, Option } from 'commander';
import type { Fleet } from '../../fleet';
import { InterrogatorError } from '../../index';
import { quoted } from '../run/summary';

export interface RedisOptions {
  redis: string;
  redisPrefix?: string;
  /** As they were given on the command line, with a space in front, for commands to paste. Nothing where the environment has them. */
  redisFlags: string;
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
    )
    .hook('preAction', (_, running) => void running.setOptionValue('redisFlags', flagsOf(running)));
}

/** A password is left for the reader to add. */
function flagsOf(command: Command): string {
  const { redis, redisPrefix = '' } = command.opts<RedisOptions>();
  const isGiven = (name: string): boolean => command.getOptionValueSource(name) === 'cli';
  const address = isGiven('redis') ? ` --redis ${quoted(redis.replace(/^([a-z]+:\/\/[^:@/]*:).*@/i, '$1…@'))}` : '';
  return address + (isGiven('redisPrefix') ? ` --redis-prefix ${quoted(redisPrefix)}` : '');
}

/** Runs `work` with connections that are closed at its end. What is not well with the Redis is told on stderr. */
export async function withFleet<T>(
  { redis: url, redisPrefix: prefix, redisFlags }: RedisOptions,
  work: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  const { Fleet: Fleets, redisFault } = require('../../fleet') as typeof import('../../fleet');
  using fleet = await Fleets.connect({ url, ...(prefix !== undefined && { prefix }) });
  for (const warning of fleet.warnings) console.error(`warning: ${warning}`);
  try {
    return await work(fleet);
  } catch (error) {
    throw inThisFleet(redisFault(error), redisFlags);
  }
}

/** Commands that an error advises are to look at the Redis that it is of. */
function inThisFleet(error: unknown, redisFlags: string): unknown {
  if (redisFlags === '' || !(error instanceof InterrogatorError) || error.hint === undefined) return error;
  const { code, problem, cause } = error;
  // A full stop would be pasted as a part of the address.
  const hint = error.hint.replace(/(torch-interrogator run [a-z]+)(?:\.$)?/g, (_, command: string) => command + redisFlags);
  return hint === error.hint ? error : new InterrogatorError(code, problem, { hint, cause });
}

/** What people are told where Redis is lost, and when it is back. */
export function reachLine(isReached: boolean): string {
  return isReached ? 'Redis answers again.' : 'Redis does not answer: waiting for it. Ctrl-C gives up.';
}

/** Undefined where workers are there. */
export async function noWorkerLine(fleet: Fleet, redisFlags: string): Promise<string | undefined> {
  const { listWorkers } = require('../../fleet') as typeof import('../../fleet');
  if ((await listWorkers(fleet)).some(({ isAlive }) => isAlive)) return undefined;
  return `No worker is there. Start some: npx torch-interrogator worker${redisFlags}`;
}
