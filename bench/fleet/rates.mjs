/** Pictures a second of workers, from the ends of their shards. */

/**
 * `workers`: of each one its shards, `{at, pictures}`, `at` in milliseconds, in the order of their ends. It is counted from the moment when
 * each worker has ended its first shard: loading models is not counted, and what they have begun by then stands for what they have begun at
 * the end. `steady_per_s` is to the moment when the first worker has ended its last shard, `whole_per_s` to the end of the last one of all,
 * with the time in which there is not work enough for everybody.
 */
export function rates(workers) {
  const from = Math.max(...workers.map((shards) => shards[0]?.at ?? Number.POSITIVE_INFINITY));
  const lasts = workers.map((shards) => shards.at(-1)?.at ?? Number.NEGATIVE_INFINITY);
  const all = workers.flat();
  const perSecond = (until) => {
    const pictures = all.reduce((sum, { at, pictures }) => sum + (at > from && at <= until ? pictures : 0), 0);
    return until > from ? pictures / ((until - from) / 1000) : 0;
  };
  return {
    steady_per_s: perSecond(Math.min(...lasts)),
    whole_per_s: perSecond(Math.max(...lasts)),
    seconds: (Math.max(...lasts) - from) / 1000,
    between_ends_s: workers.flatMap((shards) => shards.slice(1).map(({ at }, i) => (at - shards[i].at) / 1000)),
  };
}
