import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { TestRedis } from '../../fleet/support/redis';
import { APPLE } from '../served';
import { TestWorker } from './support/fleet';

const MAIN = path.join(__dirname, '..', '..', '..', 'dist', 'cli', 'main.js');

test('serve --redis --no-local-device answers by workers, and ends at SIGTERM', async () => {
  const redis = await TestRedis.start();
  // Flags, and their variables.
  const child = spawn(process.execPath, [MAIN, 'serve', '--port', '0', '--no-local-device'], {
    env: { ...process.env, TI_REDIS: redis.url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let log = '';
  child.stdout.on('data', (piece) => (log += piece));
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (piece) => {
      said += piece;
      const [, found] = /is at (http\S+)/.exec(said) ?? [];
      if (found) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${said}`)));
  });
  while (!/No worker is there/.test(log)) await once(child.stdout, 'data');
  const worker = await TestWorker.start(redis);
  while ((await fetch(`${url}/ready`)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 50));
  const answer = await fetch(`${url}/v1/caption`, {
    method: 'POST',
    body: new Uint8Array(APPLE),
    headers: { 'content-type': 'image/png' },
  });
  expect(answer.status).toBe(200);
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(await worker.stop()).toBe(0);
  await redis.stop();
});

test.each<[args: string[], says: RegExp]>([
  [['--no-local-device'], /localDevice: false needs redis/],
  [['--no-local-device', '--redis', 'redis://127.0.0.1:9'], /No Redis answers at 127\.0\.0\.1:9: the connection is refused/],
  [['--no-local-device', '--redis', 'http://127.0.0.1'], /expected an address such as redis:/],
  [['--redis', 'redis://127.0.0.1:9', '--advertise', 'here', '--no-local-device'], /advertise: expected a URL/],
])('serve %j ends, and says why', (args, says) => {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, 'serve', '--port', '0', ...args], { encoding: 'utf8' });
  expect(status).not.toBe(0);
  expect(stderr).toMatch(says);
});
