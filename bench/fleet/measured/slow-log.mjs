/** Which commands and scripts Redis is asked for, and what each takes: its slow log, for some seconds set to log everything. */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { internal } from '../../ours.mjs';

const require = createRequire(import.meta.url);
const MOST = 200_000;

/**
 * Resolves with `{seconds, commands: [{name, calls, usec}]}`, the costliest first: the commands that clients sent. Those that a script gives
 * are a part of it.
 */
export async function sampleCommands(redis, seconds) {
  await redis.config('SET', 'slowlog-max-len', String(MOST));
  await redis.slowlog('RESET');
  await redis.config('SET', 'slowlog-log-slower-than', '0');
  const began = performance.now();
  await sleep(seconds * 1000);
  await redis.config('SET', 'slowlog-log-slower-than', '-1');
  const lasted = (performance.now() - began) / 1000;
  const entries = await redis.slowlog('GET', MOST);
  await redis.slowlog('RESET');
  return { seconds: lasted, commands: tally(entries, scriptNames()) };
}

/** Entries of SLOWLOG GET. */
export function tally(entries, names) {
  const found = new Map();
  for (const [, , usec, args, client] of entries) {
    // Of a command within a script it does not know the client.
    if (client.startsWith('?')) continue;
    const name = nameOf(args, names);
    const each = found.get(name) ?? { name, calls: 0, usec: 0 };
    each.calls += 1;
    each.usec += usec;
    found.set(name, each);
  }
  return [...found.values()].sort((a, b) => b.usec - a.usec);
}

function nameOf([command, first = ''], names) {
  const name = command.toLowerCase();
  if (name === 'evalsha') return names.get(first) ?? `script ${first.slice(0, 8)}`;
  // The log has the first 128 signs of a text.
  if (name === 'eval') return [...names].find(([text]) => first.length > 40 && text.startsWith(first.slice(0, 100)))?.[1] ?? 'eval';
  return name;
}

/** By their SHA-1 those of BullMQ, by their text ours. */
function scriptNames() {
  const names = new Map();
  for (const { name, content } of Object.values(require('bullmq/dist/cjs/scripts'))) {
    if (content) names.set(createHash('sha1').update(content).digest('hex'), name);
  }
  for (const [name, text] of Object.entries(internal('fleet/runs/scripts'))) names.set(text, name);
  return names;
}
