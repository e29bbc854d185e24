/** What Redis knows of runs, besides BullMQ's queue of each: counts, how it is, what it was asked for. */
import { InterrogatorError } from '../../index';
import type { RunSummary } from '../../run/progress';
import type { RowError } from '../../run/row';
import type { Fleet } from '../redis/connect';
import { openRunQueue, removeQueue } from './queue';
import type { ShardCounts } from './row-lines';
import { ADD_SHARDS, COMPLETE, DEPEND, END_SUBMITTING, MOVE, NOTE, REOPEN, SET } from './scripts';
import type { RunSpec } from './spec';

/** 'submitting' until all of its pictures are listed; work begins before that. */
export type RunState = 'submitting' | 'running' | 'merging' | 'ended' | 'failed' | 'cancelled';

/** How a run is. Its counts are of shards that are done. */
export interface RunRecord extends ShardCounts {
  spec: RunSpec;
  state: RunState;
  isPaused: boolean;
  /** Shards that were submitted, and those of them (and of further rounds) that are not done. */
  shards: number;
  left: number;
  /** Pictures that were submitted; files of many pictures count as one. */
  pictures: number;
  /** Files of many pictures among them: nobody knows of how many. */
  files: number;
  /** Attempts at shards that came to no end: of workers that died, or were taken for dead. */
  lost: number;
  /** How often failed pictures were tried again. */
  round: number;
  endedAt?: number;
  /** What ended a run that failed. */
  error?: RowError;
  /** What went wrong last and is tried again; absent once a shard has come to its end after it. */
  trouble?: string;
  summary?: RunSummary;
  /** Workers that take no part, with the reason. */
  refusals: Readonly<Record<string, string>>;
}

/** From one of some states to another one. */
export interface Move {
  from: readonly RunState[];
  to: RunState;
  /** Of a merge: of this round alone. */
  round?: number;
  fields?: Readonly<Record<string, string>>;
}

/** What a shard's results add to a run's counts: of a further round, what they change. */
export interface ShardEnd {
  change: ShardCounts;
  /** Pictures of it that failed. */
  failing: number;
}

/** Runs that ended are forgotten after so long, with their results. */
export const KEPT_MS = 30 * 24 * 3600_000;
/** Of what workers have not come to forget, Redis keeps no word after a week more. */
const KEPT_SECONDS = KEPT_MS / 1000 + 7 * 24 * 3600;
const READ_AT_ONCE = 100;
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
    const { found, missing } = await this.findAll(ids);
    for (const id of missing) await this.forget(id);
    return found;
  }

  /** What is left of a run whose time is over. */
  private async forget(id: string): Promise<void> {
    const queue = openRunQueue(this.fleet, id);
    await removeQueue(queue).finally(() => queue.close());
    await this.fleet.redis.srem(this.fleet.key('open-runs'), id);
    await this.fleet.redis.zrem(this.fleet.key('runs'), id);
  }

  /** The ids of those that are not at their end. */
  async open(): Promise<string[]> {
    return (await this.fleet.redis.smembers(this.fleet.key('open-runs'))).sort();
  }

  async listOpen(): Promise<RunRecord[]> {
    const { found } = await this.findAll(await this.open());
    return found.filter(({ endedAt }) => endedAt === undefined);
  }

  private async findAll(ids: readonly string[]): Promise<{ found: RunRecord[]; missing: string[] }> {
    const found: RunRecord[] = [];
    const missing: string[] = [];
    for (let at = 0; at < ids.length; at += READ_AT_ONCE) {
      const some = ids.slice(at, at + READ_AT_ONCE);
      const records = await Promise.all(some.map((id) => this.find(id)));
      for (const [i, record] of records.entries()) {
        if (record) found.push(record);
        else missing.push(some[i] as string);
      }
    }
    return { found, missing };
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
      files: number('files'),
      done: number('done'),
      kept: number('kept'),
      failed: number('failed'),
      skipped: number('skipped'),
      encoded: number('encoded'),
      seconds: number('seconds'),
      lost: number('lost'),
      round: number('round'),
      ...(fields.endedAt !== undefined && { endedAt: number('endedAt') }),
      ...(fields.error !== undefined && { error: JSON.parse(fields.error) as RowError }),
      ...(fields.trouble !== undefined && fields.endedAt === undefined && { trouble: fields.trouble }),
      ...(fields.summary !== undefined && { summary: JSON.parse(fields.summary) as RunSummary }),
      refusals,
    };
  }

  /** Before they are on the queue: a run has never fewer left than there are. False where it was cancelled meanwhile. */
  async addShards(
    id: string,
    batch: string,
    { shards, pictures, files }: Pick<RunRecord, 'shards' | 'pictures' | 'files'>,
  ): Promise<boolean> {
    const taken = await this.fleet.redis.eval(ADD_SHARDS, 2, this.key(id), this.key(id, 'batches'), batch, shards, pictures, files);
    return Number(taken) === 1;
  }

  /** Pictures that are left out, as the run is submitted. */
  async skip(id: string, pictures: number): Promise<void> {
    await this.set(id, this.key(id), { skipped: pictures });
  }

  /** All of its pictures are listed. Resolves with the shards that are left, -1 where it was cancelled meanwhile. */
  async endSubmitting(id: string): Promise<number> {
    return Number(await this.fleet.redis.eval(END_SUBMITTING, 1, this.key(id)));
  }

  /** The first word on a shard's round counts. Resolves with whether nothing of the run is left to do but the merge. */
  async complete(id: string, shard: number, round: number, { change, failing }: ShardEnd): Promise<{ isLast: boolean }> {
    const { seconds, ...counts } = change;
    const left = await this.fleet.redis.eval(
      COMPLETE,
      4,
      this.key(id, 'done'),
      this.key(id),
      this.key(id, 'failing'),
      this.key(id, 'begun', `${shard}.${round}`),
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
    await this.set(id, this.key(id), fields);
    await this.changed(id);
  }

  /** False of a run that is no more, that was cancelled, or that has ended well: nobody asks for what its shards came to. */
  async needsResults(id: string): Promise<boolean> {
    const [spec, state, summary] = await this.fleet.redis.hmget(this.key(id), 'spec', 'state', 'summary');
    if (!spec || state === 'cancelled') return false;
    return state !== 'ended' || !summary || (JSON.parse(summary) as RunSummary).failed > 0;
  }

  /**
   * Another state, where the run has one of `from`, and where its round is the one that is meant. False where it has not: somebody else has
   * moved it, and the move is not made.
   */
  async move(id: string, { from, to, round, fields = {} }: Move): Promise<boolean> {
    const { redis } = this.fleet;
    const isEnd = ENDS.includes(to);
    const keys = [this.key(id), this.fleet.key('open-runs'), ...PARTS.map((part) => this.key(id, part))];
    const values = [id, round ?? '', from.join(), JSON.stringify({ ...fields, state: to }), isEnd ? KEPT_SECONDS : '', Date.now()];
    const moved = Number(await redis.eval(MOVE, keys.length, ...keys, ...values)) === 1;
    if (moved && isEnd) await this.changed(id);
    return moved;
  }

  /** Again among those that workers look at. False where it has not ended, or where another round than the one before has. */
  async reopen(id: string, round: number, shards: number): Promise<boolean> {
    const keys = [this.key(id), this.fleet.key('open-runs'), this.key(id, 'refusals'), ...PARTS.map((part) => this.key(id, part))];
    return Number(await this.fleet.redis.eval(REOPEN, keys.length, ...keys, id, round, shards)) === 1;
  }

  async remove(id: string): Promise<void> {
    const { redis } = this.fleet;
    await redis.srem(this.fleet.key('open-runs'), id);
    await redis.zrem(this.fleet.key('runs'), id);
    await redis.del(this.key(id), ...PARTS.map((part) => this.key(id, part)));
    await this.changed(id);
  }

  /** What the run's results depend on: of the first worker that says so, for all others. Resolves with that. */
  async depend(id: string, depends: string): Promise<string> {
    return (await this.fleet.redis.eval(DEPEND, 1, this.key(id), depends)) as string;
  }

  async refuse(id: string, worker: string, reason: string): Promise<void> {
    await this.set(id, this.key(id, 'refusals'), { [worker]: reason });
  }

  /** What a worker could not do, and tries again. */
  async trouble(id: string, reason: string): Promise<void> {
    await this.set(id, this.key(id), { trouble: reason });
  }

  /** Resolves with the attempts at a shard that were begun and came to no end, this one included. `attempt`: its own name. */
  async begin(id: string, shard: number, round: number, attempt: string): Promise<number> {
    return this.note(id, this.key(id, 'begun', `${shard}.${round}`), attempt);
  }

  /** It was given back, or failed with an error: its worker did not die of it. */
  async giveBack(id: string, shard: number, round: number, attempt: string): Promise<void> {
    await this.fleet.redis.srem(this.key(id, 'begun', `${shard}.${round}`), attempt);
  }

  /** Resolves with how often the work failed, this time included. `work`: a shard's round, a merge. */
  async fault(id: string, work: string, attempt: string): Promise<number> {
    return this.note(id, this.key(id, 'faults', work), attempt);
  }

  /** How often the worker of a shard was at a picture of it, by itself, and never came back. */
  async suspects(id: string, shard: number): Promise<Map<string, number>> {
    const times = new Map<string, number>();
    for (const member of await this.fleet.redis.smembers(this.key(id, 'suspects', shard))) {
      const picture = member.slice(member.indexOf(' ') + 1);
      times.set(picture, (times.get(picture) ?? 0) + 1);
    }
    return times;
  }

  async suspect(id: string, shard: number, picture: string, attempt: string): Promise<void> {
    await this.note(id, this.key(id, 'suspects', shard), `${attempt} ${picture}`);
  }

  async clear(id: string, shard: number, picture: string, attempt: string): Promise<void> {
    await this.fleet.redis.srem(this.key(id, 'suspects', shard), `${attempt} ${picture}`);
  }

  /** Of a run that is no more nothing is written. */
  private async set(id: string, key: string, fields: Readonly<Record<string, string | number>>): Promise<void> {
    await this.fleet.redis.eval(SET, 2, this.key(id), key, ...Object.entries(fields).flat());
  }

  private async note(id: string, key: string, what: string): Promise<number> {
    return Number(await this.fleet.redis.eval(NOTE, 2, key, this.key(id), what, KEPT_SECONDS));
  }

  /** Wakes the workers that listen. */
  async changed(id: string): Promise<void> {
    await this.fleet.redis.xadd(this.fleet.key('changes'), 'MAXLEN', '~', CHANGES, '*', 'run', id);
  }

  private key(id: string, ...parts: readonly (string | number)[]): string {
    return this.fleet.key('run', id, ...parts);
  }
}

/** Keys of a run, besides its own. */
const PARTS = ['done', 'failing', 'batches', 'refusals'] as const;

const ENDS: readonly RunState[] = ['ended', 'failed', 'cancelled'];
