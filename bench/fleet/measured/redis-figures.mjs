/** What a Redis says of its own work, before and after. */

/** `redis`: a connection. Resolves with what redisWork() compares. */
export async function redisState(redis) {
  const fields = fieldsOf(await redis.info('everything'));
  const number = (name) => Number(fields.get(name) ?? 0);
  const commands = new Map();
  for (const [name, value] of fields) {
    const [, command] = /^cmdstat_(.+)$/.exec(name) ?? [];
    if (command) commands.set(command, { calls: Number(/calls=(\d+)/.exec(value)[1]), usec: Number(/usec=(\d+)/.exec(value)[1]) });
  }
  return {
    at: performance.now(),
    commands,
    cpuSeconds: number('used_cpu_user') + number('used_cpu_sys'),
    bytesIn: number('total_net_input_bytes'),
    bytesOut: number('total_net_output_bytes'),
    bytesUsed: number('used_memory'),
    logBytes: number('aof_current_size'),
    clients: number('connected_clients'),
  };
}

export function fieldsOf(info) {
  return new Map(
    info
      .split(/\r?\n/)
      .filter((line) => line.includes(':'))
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  );
}

/** What it did between two of them. Commands within scripts are counted, too, as Redis counts them. */
export function redisWork(before, after) {
  const commands = {};
  for (const [name, { calls, usec }] of after.commands) {
    const earlier = before.commands.get(name) ?? { calls: 0, usec: 0 };
    if (calls > earlier.calls) commands[name] = { calls: calls - earlier.calls, usec: usec - earlier.usec };
  }
  const seconds = (after.at - before.at) / 1000;
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  return {
    seconds,
    cpuSeconds,
    cores: cpuSeconds / seconds,
    calls: Object.values(commands).reduce((sum, { calls }) => sum + calls, 0),
    bytesIn: after.bytesIn - before.bytesIn,
    bytesOut: after.bytesOut - before.bytesOut,
    bytesUsed: after.bytesUsed - before.bytesUsed,
    logBytes: after.logBytes - before.logBytes,
    clients: after.clients,
    commands,
  };
}
