/** Where one Redis ends: shards as fast as it gives and takes them, each with so many words about its progress. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { watchCores } from '../measured/processor-time.mjs';
import { redisState, redisWork } from '../measured/redis-figures.mjs';
import { sampleCommands } from '../measured/slow-log.mjs';
import { SyntheticRun } from './synthetic-run.mjs';

const CHILD = path.join(path.dirname(fileURLToPath(import.meta.url)), 'bare-shards.mjs');
const LOOPS = 64;

export async function saturation({ redis, fleet, folder }, { shards, shardSize, processes, updates }) {
  await fleet.redis.flushall();
  const run = new SyntheticRun(fleet, { shardSize, state: folder });
  const children = [];
  try {
    await run.create();
    await run.add(shards);
    const done = Array(processes).fill(0);
    for (let place = 0; place < processes; place += 1) children.push(await begin({ url: redis.url, run: run.id, place, updates }, done));
    for (const child of children) child.send('begin');
    await sleep(1000);
    const sum = () => done.reduce((total, each) => total + each, 0);
    const before = await redisState(fleet.redis);
    const cores = watchCores({ askers: children.map(({ pid }) => pid), redis: [redis.pid], bench: [process.pid] });
    const first = sum();
    const sampled = await sampleCommands(fleet.redis, 1);
    while (sum() < 0.9 * shards) await sleep(50);
    const ended = sum() - first;
    const work = redisWork(before, await redisState(fleet.redis));
    return {
      shard_size: shardSize,
      updates_per_shard: updates,
      shards_per_s: ended / work.seconds,
      pictures_per_s: (ended * shardSize) / work.seconds,
      redis_cores: work.cores,
      redis_ms_per_shard: (work.cpuSeconds * 1000) / ended,
      pictures_per_s_of_a_core: (ended * shardSize) / work.cpuSeconds,
      to_workers_bytes_per_shard: work.bytesOut / ended,
      costliest: sampled.commands.slice(0, 8).map(({ name, calls, usec }) => ({ name, per_s: calls / sampled.seconds, us: usec / calls })),
      cores: cores(),
    };
  } finally {
    for (const child of children) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    await run.close();
  }
}

async function begin(settings, done) {
  const child = fork(CHILD, [JSON.stringify({ ...settings, loops: LOOPS })], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  await new Promise((resolve, reject) => {
    child.on('message', (told) => {
      if (told.ready) resolve();
      else done[settings.place] = told.done;
    });
    child.once('exit', (code) => reject(new Error(`a process that asks Redis ended with ${code}`)));
  });
  child.removeAllListeners('exit');
  return child;
}
