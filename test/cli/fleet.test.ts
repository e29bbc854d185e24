/** Commands of a fleet without the Redis that they need: what is wrong, what to do, and no stack. */
import { TestRedis } from '../fleet/support/redis';
import { runCommand } from './command';

const COMMANDS: readonly string[][] = [
  ['worker'],
  ['run', 'list'],
  ['run', 'watch', 'some'],
  ['run', 'submit', 'a.png', '--out', 'a.jsonl', '--clip', 'sample', '--caption', 'sample'],
];

let redis: TestRedis | undefined;
afterEach(async () => {
  await redis?.stop();
  redis = undefined;
});

async function outcomes(url: string) {
  return Promise.all(COMMANDS.map((args) => runCommand([...args, '--redis', url], { env: { TI_REDIS: '' } })));
}

function expectFailure(results: Awaited<ReturnType<typeof outcomes>>, code: number, ...words: readonly string[]): void {
  for (const { stdout, stderr, code: exit } of results) {
    expect({ stdout, exit }).toEqual({ stdout: '', exit: code });
    for (const word of words) expect(stderr).toContain(word);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stderr).not.toContain('secret');
  }
}

test('where no Redis answers', async () => {
  expectFailure(
    await outcomes('redis://:secret@127.0.0.1:1'),
    1,
    'No Redis answers at 127.0.0.1:1',
    'refused',
    'redis-server --appendonly yes',
    'ERR_REDIS',
  );
});

test('with a wrong password, and with none', async () => {
  redis = await TestRedis.start('--requirepass', 'right');
  expectFailure(await outcomes(`redis://:secret@127.0.0.1:${redis.port}`), 1, 'does not take this user and password', 'ERR_REDIS');
  expectFailure(await outcomes(redis.url), 1, 'wants a password', 'redis://USER:PASSWORD@HOST:PORT');
});

test('with a Redis that evicts', async () => {
  redis = await TestRedis.start('--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru');
  expectFailure(await outcomes(redis.url), 1, 'allkeys-lru', 'maxmemory-policy noeviction', 'ERR_REDIS');
});

test('with an address that is none', async () => {
  expectFailure(await outcomes('localhost'), 2, 'redis://127.0.0.1:6379', 'ERR_INVALID_ARGUMENT');
});
