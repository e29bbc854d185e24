import type { Fleet } from '../redis/connect';
export async function isSubmitted(fleet: Fleet, id: string): Promise<boolean> {
  return (await fleet.redis.exists(fleet.key('run', id, 'submitting'))) === 1;
}
