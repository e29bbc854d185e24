/** How fast the runs of a tenant may go, on all workers together. */
import type { Fleet } from '../redis/connect';
import { TAKE } from '../runs/scripts';

/** Work that may be begun ahead of its time. */
const BURST_MS = 1000;

/** Counts the pictures. Resolves with the milliseconds to wait before that, 0 where the work may begin. */
export function takeTurn(fleet: Fleet, tenant: string, pictures: number): Promise<number> {
  return count(fleet, tenant, pictures, BURST_MS);
}

/** Counts pictures that nobody knew of before they were done: what comes next waits for them, too. */
export async function countLate(fleet: Fleet, tenant: string, pictures: number): Promise<void> {
  if (pictures > 0) await count(fleet, tenant, pictures, Number.MAX_SAFE_INTEGER);
}

async function count(fleet: Fleet, tenant: string, pictures: number, aheadMs: number): Promise<number> {
  const perSecond = Number(await fleet.redis.hget(fleet.key('tenants'), tenant));
  if (!(perSecond > 0)) return 0;
  const cost = (pictures / perSecond) * 1000;
  return Number(await fleet.redis.eval(TAKE, 1, fleet.key('tenant', tenant), cost, aheadMs));
}
