/** How fast the runs of a tenant may go, on all workers together. */
import type { Fleet } from '../redis/connect';
import { TAKE } from '../runs/scripts';

/** Work that may be begun ahead of its time. */
const BURST_MS = 1000;

/** Counts the pictures. Resolves with the milliseconds to wait before that, 0 where the work may begin. */
export async function takeTurn(fleet: Fleet, tenant: string, pictures: number): Promise<number> {
  const perSecond = Number(await fleet.redis.hget(fleet.key('tenants'), tenant));
  if (!(perSecond > 0)) return 0;
  const cost = (pictures / perSecond) * 1000;
  return Number(await fleet.redis.eval(TAKE, 1, fleet.key('tenant', tenant), cost, BURST_MS));
}
