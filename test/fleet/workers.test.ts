import { Fleet } from '../../lib/fleet/redis/connect';
import { Heartbeat, listWorkers } from '../../lib/fleet/redis/workers';
import { TestRedis } from './support/redis';

let redis: TestRedis;
let fleet: Fleet;

beforeAll(async () => {
  redis = await TestRedis.start();
  fleet = await Fleet.connect({ url: redis.url });
});
afterAll(async () => {
  fleet?.close();
  await redis?.stop();
});

test('a worker lives from its first beat until it stops, and says what it is told to say', async () => {
  const heartbeat = new Heartbeat(fleet);
  let places = 16;
  heartbeat.tell(() => ({ places }));
  heartbeat.tell(() => ({ device: 'cpu' }));
  await heartbeat.beat();
  const [worker] = await listWorkers<{ places: number; device: string }>(fleet);
  expect(worker).toMatchObject({ id: heartbeat.id, isAlive: true, info: { places: 16, device: 'cpu', pid: process.pid } });
  expect(worker?.age).toBeLessThan(5000);
  places = 0;
  await heartbeat.beat();
  expect((await listWorkers<{ places: number }>(fleet))[0]?.info.places).toBe(0);
  await heartbeat.stop();
  await heartbeat.beat();
  expect(await listWorkers(fleet)).toEqual([]);
});

test('who is not heard of for a while is dead, and forgotten after a longer one', async () => {
  const [living, dead, forgotten] = [new Heartbeat(fleet), new Heartbeat(fleet), new Heartbeat(fleet)];
  for (const each of [living, dead, forgotten]) await each.beat();
  const ago = async (each: Heartbeat, seconds: number): Promise<void> => {
    const [now] = await fleet.redis.time();
    await fleet.redis.zadd(fleet.key('workers'), Number(now) * 1000 - seconds * 1000, each.id);
  };
  await ago(dead, 20);
  await ago(forgotten, 700);
  const seen = await listWorkers(fleet);
  expect(seen.map(({ id, isAlive }) => [id, isAlive])).toEqual(
    expect.arrayContaining([
      [living.id, true],
      [dead.id, false],
    ]),
  );
  expect(seen[0]?.id).toBe(living.id);
  await living.beat();
  expect((await listWorkers(fleet)).map(({ id }) => id).sort()).toEqual([living.id, dead.id].sort());
  expect(await fleet.redis.hlen(fleet.key('worker-info'))).toBe(2);
  for (const each of [living, dead, forgotten]) await each.stop();
});
