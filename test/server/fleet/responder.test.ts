/** A worker's part that answers requests ends, whatever its Redis does. */
import { Fleet } from '../../../lib/fleet/redis/connect';
import { answerRequests } from '../../../lib/server/fleet/responder';
import { TestRedis } from '../../fleet/support/redis';

test('its end does not wait long for a Redis that takes connections and says nothing', async () => {
  const redis = await TestRedis.start();
  const fleet = await Fleet.connect({ url: redis.url });
  const responder = await answerRequests(fleet, { clip: ['sample'], caption: ['sample'], device: ['cpu'], config: { cachePath: null } });
  const pid = Number(/process_id:(\d+)/.exec(await fleet.redis.info())?.[1]);
  process.kill(pid, 'SIGSTOP');
  try {
    await responder.close();
    expect(fleet.redis.status).toBe('ready');
  } finally {
    fleet.close();
    await redis.stop();
  }
}, 10_000);
