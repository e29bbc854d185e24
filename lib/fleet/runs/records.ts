/** What Redis knows of runs, besides BullMQ's queue of each: counts, how it is, what it was asked for. */
import { InterrogatorError } from '../../index';
import type { RunSummary } from '../../run/progress';
import type { RowError } from '../../run/row';
import type { Fleet } from '../redis/connect';
import { openRunQueue } from './queue';
import { COMPLETE, END_SUBMITTING } from './scripts';
import type { RunSpec } from './spec';

/** 'submitting' until all of its pictures are listed; work begins before that. */
export type RunState = 'submitting' | 'running' | 'merging' | 'ended' | 'failed' | 'cancelled';

/** How a run is. */
export interface RunRecord {
  spec: RunSpec;
  state: RunState;
  isPaused: boolean;
  /** Shards that were submitted, and those of them (and of further rounds) that are not done. */
  shards: number;
  left: number;
  /** Pictures that were submitted; files of many pictures count as one. */
  pictures: number;
  /** As RunProgress has them, of shards that are done. */
  done: number;
  kept: number;
  failed: number;
  skipped: number;
  encoded: number;
  /** Of devices' time that shards took. */
  seconds: number;
  /** How often failed pictures were tried again. */
  round: number;
  endedAt?: number;
  /** What ended a run that failed. */
  error?: RowError;
  summary?: RunSummary;
  /** Workers that take no part, with the reason. */
  refusals: Readonly<Record<string, string>>;
}

/** What a shard's results add to a run's counts: of a further round, what they change. */
export interface ShardEnd {
  change: { done: number; kept: number; failed: number; skipped: number; encoded: number; seconds: number };
  /** Pictures of it that failed. */
  failing: number;
}

/** Runs that ended are forgotten after so long. */
const KEPT_SECONDS = 30 * 24 * 3600;
/** Of the stream that workers listen to: only the last ones matter. */
const CHANGES = 1000;

export class RunRecords {
  constructor(private readonly fleet: Fleet) {}

  async create(spec: RunSpec): Promise<void> {
    const { redis } = this.fleet;
    await redis.hset(this.key(spec.id), { spec: JSON.stringify(spec), state: 'submitting', shards: 0, left: 0, pictures: 0 });
    await redis.zadd(this.fleet.key('runs'), spec.createdAt, spec.id);
    await redis.sadd(this.fleet.key('open-runs'), spec.id);
    await this.changed(spec.id);
  }

  /** Newest first. */
  async list(): Promise<RunRecord[]> {
    const ids = await this.fleet.redis.zrevrange(this.fleet.key('runs'), 0, -1);
    const records: RunRecord[] = [];
    for (const id of ids) {
      const record = await this.find(id);
      if (record) records.push(record);
      else await this.forget(id);
    }
    return records;
  }

  /** What is left of a run whose time is over. */
  private async forget(id: string): Promise<void> {
    const queue = openRunQueue(this.fleet, id);
    await queue.obliterate({ force: true }).finally(() => queue.close());
    await this.fleet.redis.srem(this.fleet.key('open-runs'), id);
    await this.fleet.redis.zrem(this.fleet.key('runs'), id);
  }

  /** Those that are not at their end. */
  async open(): Promise<string[]> {
    return (await this.fleet.redis.smembers(this.fleet.key('open-runs'))).sort();
  }

  /** Rejects with ERR_RUN_NOT_FOUND. */
  async read(id: string): Promise<RunRecord> {
    const record = await this.find(id);
    if (record) return record;
    throw new InterrogatorError('ERR_RUN_NOT_FOUND', `There is no run ${id}.`, {
      hint: 'torch-interrogator run list shows those that there are.',
    });
  }

  private async find(id: string): Promise<RunRecord | undefined> {
    const { redis } = this.fleet;
    const [fields, refusals] = await Promise.all([redis.hgetall(this.key(id)), redis.hgetall(this.key(id, 'refusals'))]);
    if (fields.spec === undefined) return undefined;
    const number = (name: string): number => Number(fields[name] ?? 0);
    return {
      spec: JSON.parse(fields.spec) as RunSpec,
      state: fields.state as RunState,
      isPaused: fields.paused === '1',
      shards: number('shards'),
      left: number('left'),
      pictures: number('pictures'),
      done: number('done'),
      kept: number('kept'),
      failed: number('failed'),
      skipped: number('skipped'),
      encoded: number('encoded'),
      seconds: number('seconds'),
      round: number('round'),
      ...(fields.endedAt !== undefined && { endedAt: number('endedAt') }),
      ...(fields.error !== undefined && { error: JSON.parse(fields.error) as RowError }),
      ...(fields.summary !== undefined && { summary: JSON.parse(fields.summary) as RunSummary }),
      refusals,
    };
  }

  /** Before they are on the queue: a run has never fewer left than there are. */
  async addShards(id: string, shards: number, pictures: number): Promise<void> {
    const key = this.key(id);
    await this.fleet.redis.multi().hincrby(key, 'shards', shards).hincrby(key, 'left', shards).hincrby(key, 'pictures', pictures).exec();
  }

  async add(id: string, counts: Readonly<Record<string, number>>): Promise<void> {
    for (const [name, count] of Object.entries(counts)) await this.fleet.redis.hincrby(this.key(id), name, count);
  }

  /** All of its pictures are listed. Resolves with the shards that are left. */
  async endSubmitting(id: string): Promise<number> {
    return Number(await this.fleet.redis.eval(END_SUBMITTING, 1, this.key(id)));
  }

  /** The first word on a shard's round counts. Resolves with whether nothing of the run is left to do but the merge. */
  async complete(id: string, shard: number, round: number, { change, failing }: ShardEnd): Promise<{ isLast: boolean }> {
    const { seconds, ...counts } = change;
    const left = await this.fleet.redis.eval(
      COMPLETE,
      3,
      this.key(id, 'done'),
      this.key(id),
      this.key(id, 'failing'),
      `${shard}.${round}`,
      shard,
      round,
      JSON.stringify({ ...counts, failing }),
      seconds,
    );
    return { isLast: Number(left) === 0 };
  }

  /** Shards with pictures that failed, with the round of their last results. */
  async failing(id: string): Promise<Map<number, number>> {
    const fields = await this.fleet.redis.hgetall(this.key(id, 'failing'));
    return new Map(Object.entries(fields).map(([shard, round]) => [Number(shard), Number(round)]));
  }

  /** The round of a shard's last results. */
  async lastRounds(id: string): Promise<Map<number, number>> {
    const rounds = new Map<number, number>();
    for (const member of await this.fleet.redis.smembers(this.key(id, 'done'))) {
      const [shard = 0, round = 0] = member.split('.').map(Number);
      rounds.set(shard, Math.max(rounds.get(shard) ?? 0, round));
    }
    return rounds;
  }

  async update(id: string, fields: Readonly<Record<string, string | number>>): Promise<void> {
    await this.fleet.redis.hset(this.key(id), fields);
    await this.changed(id);
  }

  async end(id: string, fields: Readonly<Record<string, string | number>>): Promise<void> {
    const { redis } = this.fleet;
    await redis.hset(this.key(id), { ...fields, endedAt: Date.now() });
    await redis.srem(this.fleet.key('open-runs'), id);
    for (const part of PARTS) await redis.expire(this.key(id, ...part), KEPT_SECONDS);
    await this.changed(id);
  }

  /** Again among those that workers look at. */
  async reopen(id: string, fields: Readonly<Record<string, string | number>>): Promise<void> {
    const { redis } = this.fleet;
    for (const part of PARTS) await redis.persist(this.key(id, ...part));
    await redis.hdel(this.key(id), 'endedAt', 'error', 'summary');
    await redis.hset(this.key(id), fields);
    await redis.del(this.key(id, 'refusals'));
    await redis.sadd(this.fleet.key('open-runs'), id);
    await this.changed(id);
  }

  async remove(id: string): Promise<void> {
    const { redis } = this.fleet;
    await redis.srem(this.fleet.key('open-runs'), id);
    await redis.zrem(this.fleet.key('runs'), id);
    await redis.del(...PARTS.map((part) => this.key(id, ...part)));
    await this.changed(id);
  }

  /** What the run's results depend on: of the first worker that says so, for all others. Resolves with that. */
  async depend(id: string, depends: string): Promise<string> {
    const { redis } = this.fleet;
    await redis.hsetnx(this.key(id), 'depends', depends);
    return (await redis.hget(this.key(id), 'depends')) ?? depends;
  }

  async refuse(id: string, worker: string, reason: string): Promise<void> {
    await this.fleet.redis.hset(this.key(id, 'refusals'), worker, reason);
  }

  /** Resolves with the attempts at a shard that were begun, this one included. */
  async begin(id: string, shard: number, round: number): Promise<number> {
    return this.fleet.redis.hincrby(this.key(id, 'begun'), `${shard}.${round}`, 1);
  }

  /** It was given back, or failed with an error: its worker did not die of it. */
  async giveBack(id: string, shard: number, round: number): Promise<void> {
    await this.fleet.redis.hincrby(this.key(id, 'begun'), `${shard}.${round}`, -1);
  }

  /** How often the worker of a shard was at a picture of it, by itself, and never came back. */
  async suspects(id: string, shard: number): Promise<Map<string, number>> {
    const fields = await this.fleet.redis.hgetall(this.key(id, 'suspects', shard));
    return new Map(Object.entries(fields).map(([name, times]) => [name, Number(times)]));
  }

  async suspect(id: string, shard: number, picture: string): Promise<void> {
    await this.fleet.redis.hincrby(this.key(id, 'suspects', shard), picture, 1);
    await this.fleet.redis.expire(this.key(id, 'suspects', shard), KEPT_SECONDS);
  }

  async clear(id: string, shard: number, picture: string): Promise<void> {
    await this.fleet.redis.hdel(this.key(id, 'suspects', shard), picture);
  }

  /** Wakes the workers that listen. */
  async changed(id: string): Promise<void> {
    await this.fleet.redis.xadd(this.fleet.key('changes'), 'MAXLEN', '~', CHANGES, '*', 'run', id);
  }

  private key(id: string, ...parts: readonly (string | number)[]): string {
    return this.fleet.key('run', id, ...parts);
  }
}

/** Keys of a run. */
const PARTS: readonly (readonly string[])[] = [[], ['done'], ['failing'], ['refusals'], ['begun']];
