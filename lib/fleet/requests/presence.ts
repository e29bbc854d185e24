/** Who asks lives: the requests of those who do not are for nobody. By Redis's clock: those of machines may differ. */
import type { Fleet } from '../redis/connect';
import { REQUESTS } from './wire';

/** Who was not heard of for so long is thought dead. Long enough for one that is slow; whoever was wronged asks again. */
const DEAD_MS = 15_000;

/** Heard of now. */
export async function saysItLives(fleet: Fleet, asker: string): Promise<void> {
  await fleet.redis.set(keyOf(fleet, asker), 1, 'PX', DEAD_MS);
}

/** Its requests need not be answered any more. */
export async function saysItEnds(fleet: Fleet, asker: string): Promise<void> {
  await fleet.redis.del(keyOf(fleet, asker));
}

export async function isHeardOf(fleet: Fleet, asker: string): Promise<boolean> {
  return (await fleet.redis.exists(keyOf(fleet, asker))) === 1;
}

function keyOf(fleet: Fleet, asker: string): string {
  return fleet.key(REQUESTS, 'asker', asker);
}
