/** Figures of the whole fleet, by which more or fewer workers are started. They are looked up when they are asked for. */
import { Gauge, type Registry } from 'prom-client';
import type { Fleet } from '../../fleet/redis/connect';
import { listWorkers } from '../../fleet/redis/workers';
import { REQUESTS } from '../../fleet/requests/wire';
import { openRunQueue } from '../../fleet/runs/queue';
import { type RunRecord, RunRecords } from '../../fleet/runs/records';
import { RUN_STATES } from '../contract/runs';
import type { FleetLink } from '../fleet/link';

/** All gauges of one answer are of one look, and whoever asks more often than that gets the same. */
const FRESH_MS = 1000;
/** The other figures wait for these. */
const PATIENCE_MS = 2000;
/** Seconds of a picture where no run has finished a shard yet: about that of best mode on a CPU. */
const ASSUMED_SECONDS = 1;

interface OpenRun extends RunRecord {
  active: number;
}

export interface Figures {
  shardsWaiting: number;
  shardsActive: number;
  picturesWaiting: number;
  secondsWaiting: number;
}

const GAUGES = {
  fleet_shards_waiting: ['Shards of runs that no worker has taken; those of paused runs are not counted.', 'shardsWaiting'],
  fleet_shards_active: ['Shards of runs that workers have.', 'shardsActive'],
  fleet_pictures_waiting: ['Pictures of runs that are not done; those of paused runs are not counted.', 'picturesWaiting'],
  fleet_work_seconds_waiting: ['Seconds that the shards of runs that are not done will take, one after the other.', 'secondsWaiting'],
  fleet_pictures_failed: ['Pictures that failed, of all runs that are known: ended ones are for 30 days.', 'picturesFailed'],
  fleet_workers_alive: ['Workers of the fleet that were heard of in the last 15 seconds.', 'workers'],
  fleet_requests_queued: ['Single requests of all servers that no worker has taken.', 'requests'],
} as const;

type Look = Figures & { picturesFailed: number; workers: number; requests: number; states: Map<string, number> };

export function watchFleet(registry: Registry, link: FleetLink): void {
  const registers = [registry];
  let last: { at: number; look: Promise<Look | undefined> } | undefined;
  const look = (): Promise<Look | undefined> => {
    if (last && performance.now() - last.at < FRESH_MS) return last.look;
    last = { at: performance.now(), look: link.use(lookAt, PATIENCE_MS).catch(() => undefined) };
    return last.look;
  };
  for (const [name, [help, field]] of Object.entries(GAUGES)) {
    new Gauge({
      ...{ name, help, registers },
      async collect() {
        const found = await look();
        // None rather than 0: who starts workers by it must not take a lost connection for the end of the work.
        if (found) this.set(found[field]);
        else this.remove();
      },
    });
  }
  new Gauge({
    ...{ name: 'fleet_runs', help: 'Runs that are known, by their state.', labelNames: ['state'], registers },
    async collect() {
      const found = await look();
      this.reset();
      if (found) for (const state of RUN_STATES) this.set({ state }, found.states.get(state) ?? 0);
    },
  });
  new Gauge({
    ...{ name: 'fleet_redis_up', help: 'Whether the Redis of the fleet can be reached.', registers },
    async collect() {
      this.set((await look()) ? 1 : 0);
    },
  });
}

async function lookAt(fleet: Fleet): Promise<Look> {
  const records = await new RunRecords(fleet).list();
  const open = records.filter(({ endedAt }) => endedAt === undefined);
  const active = await Promise.all(open.map(({ spec }) => activeOf(fleet, spec.id)));
  const [workers, requests] = await Promise.all([listWorkers(fleet), waitingOf(fleet, REQUESTS)]);
  const states = new Map<string, number>();
  for (const { state, isPaused, endedAt } of records) {
    const shown = isPaused && endedAt === undefined ? 'paused' : state;
    states.set(shown, (states.get(shown) ?? 0) + 1);
  }
  return {
    ...figuresOf(
      open.map((record, i) => ({ ...record, active: active[i] ?? 0 })),
      records,
    ),
    picturesFailed: records.reduce((sum, { failed }) => sum + failed, 0),
    workers: workers.filter(({ isAlive }) => isAlive).length,
    requests,
    states,
  };
}

async function activeOf(fleet: Fleet, id: string): Promise<number> {
  const queue = openRunQueue(fleet, id);
  try {
    return await queue.getActiveCount();
  } finally {
    await queue.close();
  }
}

async function waitingOf(fleet: Fleet, name: string): Promise<number> {
  const { Queue } = require('bullmq') as typeof import('bullmq');
  const queue = new Queue(name, { connection: fleet.redis, prefix: fleet.prefix });
  queue.on('error', () => {});
  try {
    const { waiting = 0, prioritized = 0 } = await queue.getJobCounts('waiting', 'prioritized');
    return waiting + prioritized;
  } finally {
    await queue.close();
  }
}

/** Of what is open. `all`: from which it is known how long pictures take. */
export function figuresOf(open: readonly OpenRun[], all: readonly RunRecord[]): Figures {
  const usual = secondsOfPicture(all) ?? ASSUMED_SECONDS;
  const figures = { shardsWaiting: 0, shardsActive: 0, picturesWaiting: 0, secondsWaiting: 0 };
  for (const run of open) {
    const { left, active, isPaused } = run;
    figures.shardsActive += Math.min(active, left);
    if (isPaused) continue;
    const pictures = picturesLeft(run);
    figures.shardsWaiting += Math.max(0, left - active);
    figures.picturesWaiting += pictures;
    figures.secondsWaiting += secondsLeft(run, pictures, usual);
  }
  return figures;
}

/** By shards of the run itself where some are done, since a file of many pictures is a shard; else by its pictures. */
function secondsLeft({ shards, left, seconds, round }: RunRecord, pictures: number, usual: number): number {
  const finished = shards - left;
  if (round === 0 && finished > 0) return (left * seconds) / finished;
  return pictures * usual;
}

function picturesLeft({ pictures, done, kept, failed, round, left }: RunRecord): number {
  // Of a further round those that failed, and come to more once they are done.
  if (round > 0) return left === 0 ? 0 : failed;
  return left === 0 ? 0 : Math.max(0, pictures - done - kept - failed);
}

function secondsOfPicture(records: readonly RunRecord[]): number | undefined {
  let [seconds, pictures] = [0, 0];
  for (const record of records) {
    seconds += record.seconds;
    pictures += record.done + record.failed;
  }
  return pictures > 0 ? seconds / pictures : undefined;
}
