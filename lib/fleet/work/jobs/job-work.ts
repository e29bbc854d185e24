/** What a worker does with a job of a run, and what is to become of the job. */
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { hasCode, toInterrogatorError } from '../../../errors';
import type { ErrorCode } from '../../../index';
import { redisFault } from '../../redis/connect';
import { isRunId } from '../../runs/spec';
import { workOnMerge } from './merge-job';
import { type Done, Later, type Outcome, pauseAfter } from './outcome';
import { workOnShard } from './shard-job';
import type { Taken, Workplace } from './workplace';

/** This worker cannot do anything for the run: others may have what it lacks. */
const LACKS: readonly ErrorCode[] = [
  'ERR_RUN_MISMATCH',
  'ERR_WEIGHTS_NOT_FOUND',
  'ERR_WEIGHTS_INVALID',
  'ERR_BUNDLE_NOT_FOUND',
  'ERR_BUNDLE_INVALID',
  'ERR_BUNDLE_VERSION',
  'ERR_BUNDLE_KIND',
  'ERR_BUNDLE_INCOMPLETE',
  'ERR_BUNDLE_DAMAGED',
  'ERR_MODEL_UNKNOWN',
  'ERR_VOCABULARY_NOT_FOUND',
  'ERR_VOCABULARY_INVALID',
  'ERR_TOKENIZER',
  'ERR_CONFIG',
  'ERR_INVALID_ARGUMENT',
  'ERR_DEVICE',
  'ERR_LIBTORCH_NOT_FOUND',
  'ERR_LIBTORCH_VERSION',
  'ERR_LIBTORCH_ABI',
  'ERR_LIBTORCH_CUDA',
  'ERR_ADDON_NOT_FOUND',
  'ERR_ADDON_LOAD',
];
const OLD_MS = 3600_000;
/** Faults in a row after which a worker rests: it would be free again at once, and take the whole queue. */
const RESTS_AFTER = 3;

export class JobWork {
  private pictures = 0;
  private failed = 0;
  /** In a row, of this worker: a store or models that it cannot reach. */
  private faults = 0;
  private restsUntil = 0;

  constructor(private readonly place: Workplace) {}

  get stats(): { pictures: number; failed: number } {
    return { pictures: this.pictures, failed: this.failed };
  }

  /** Milliseconds for which it is to take nothing. */
  get rest(): number {
    return Math.max(0, this.restsUntil - performance.now());
  }

  /** What is kept here of a run that has ended. */
  async forget(run: string): Promise<void> {
    await this.place.stores.close(run);
    await rm(path.join(this.place.folder, run), { recursive: true, force: true });
  }

  /** What is kept here of runs that ended while this machine was not there. */
  async forgetAllBut(open: ReadonlySet<string>): Promise<void> {
    const names = await readdir(this.place.folder).catch(() => []);
    for (const name of names) {
      if (!isRunId(name) || open.has(name)) continue;
      const { mtimeMs = Number.POSITIVE_INFINITY } = (await stat(path.join(this.place.folder, name)).catch(() => undefined)) ?? {};
      // A run that began a moment ago may be another worker's of this machine.
      if (mtimeMs < Date.now() - OLD_MS) await this.forget(name);
    }
  }

  /** `refuse`: this worker takes no part in the run, with the reason. */
  async do(taken: Taken, refuse: (reason: string) => Promise<void>): Promise<Outcome> {
    const { spec, job, signal } = taken;
    const { log } = this.place;
    try {
      const done = job.name === 'merge' ? await this.merge(taken) : await this.shard(taken);
      this.faults = 0;
      return { kind: 'done', ...done };
    } catch (cause) {
      if (cause instanceof Later) return { kind: 'later', after: cause.after };
      const shard = 'shard' in job.data ? { shard: job.data.shard } : {};
      if (signal.aborted) {
        log({ event: 'given back', run: spec.id, ...shard });
        return { kind: 'back' };
      }
      const { message } = toInterrogatorError(redisFault(cause));
      if (hasCode(cause, ...LACKS)) {
        await refuse(message);
        log({ event: 'given back', run: spec.id, ...shard });
        return { kind: 'back' };
      }
      this.faults += 1;
      if (this.faults >= RESTS_AFTER) this.restsUntil = performance.now() + pauseAfter(this.faults - RESTS_AFTER + 1);
      log({ event: 'failed', run: spec.id, ...shard, message });
      await this.place.records.trouble(spec.id, message);
      return { kind: 'later', after: pauseAfter(this.faults) };
    }
  }

  private async merge(taken: Taken): Promise<Omit<Done, 'kind'>> {
    await workOnMerge(this.place, taken);
    return { result: {}, pictures: 0 };
  }

  private async shard(taken: Taken): Promise<Omit<Done, 'kind'>> {
    const { done, kept, failed, encoded, seconds } = await workOnShard(this.place, taken);
    const shard = 'shard' in taken.job.data ? taken.job.data.shard : 0;
    const pictures = done + kept + failed;
    this.pictures += pictures;
    this.failed += failed;
    this.place.log({ event: 'shard', run: taken.spec.id, shard, pictures, failed, seconds: Math.round(seconds * 1000) / 1000 });
    return { result: { done, kept, failed, encoded }, pictures };
  }
}
