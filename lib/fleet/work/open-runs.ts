/** The runs of a fleet that a worker takes part in. */
import { type Fleet, faultMessage } from '../redis/connect';
import { endSubmission } from '../runs/control';
import { addMerge } from '../runs/queue';
import type { RunRecord, RunRecords } from '../runs/records';
import { PACKAGE_VERSION, type RunSpec } from '../runs/spec';
import { isSubmitted } from '../runs/submission-life';
import { AttachedRun } from './attached-run';
import type { WorkerEvent } from './events';
import { Turns } from './turns';

export interface OpenRunsOptions {
  fleet: Fleet;
  records: RunRecords;
  /** Of the worker. */
  id: string;
  lockSeconds: number;
  /** What is under way of a run is given back. */
  giveUp(run: string): Promise<unknown>;
  /** Nobody needs what is kept here of a run that has ended. */
  forget(run: string): Promise<void>;
  /** Another worker has a job of a run, which this one was thought dead with. */
  onLost(run: string, job: string): void;
  log(event: WorkerEvent): void;
}

/** Runs that are asked for shards. Each costs two connections. */
const MOST_ATTACHED = 8;
/** A run that has given nothing for so long makes way for others, where there are more than that. */
const DRY_MS = 15_000;
/** A submission of which nothing was heard for so long has died. */
const SILENT_MS = 60_000;

export class OpenRuns {
  private attached: AttachedRun[] = [];
  /** Runs that this worker takes no part in. */
  private readonly refused = new Set<string>();
  /** When runs were found to give nothing. */
  private readonly dry = new Map<string, number>();
  /** Since when submissions say nothing. */
  private readonly silent = new Map<string, number>();
  private readonly turns = new Turns();

  constructor(private readonly options: OpenRunsOptions) {}

  /** In the order in which they are to be asked for work. */
  get inTurn(): AttachedRun[] {
    return this.turns.order(this.attached, performance.now());
  }

  /** It has given a shard. */
  took(run: AttachedRun): void {
    this.dry.delete(run.spec.id);
    this.turns.took(run, performance.now());
  }

  /** Looks at what is open, and takes part in it. Resolves with all runs that are open. */
  async look(): Promise<ReadonlySet<string>> {
    const records = await this.options.records.listOpen();
    const open = new Set(records.map(({ spec }) => spec.id));
    for (const known of [this.refused, this.dry, this.silent]) for (const id of known.keys()) if (!open.has(id)) known.delete(id);
    const wanted = new Set<string>();
    for (const record of await this.wanted(records)) {
      wanted.add(record.spec.id);
      this.attach(record.spec);
      await this.heal(record);
    }
    const isLeft = ({ spec: { id }, underway }: AttachedRun): boolean =>
      !open.has(id) || this.refused.has(id) || (!wanted.has(id) && underway === 0);
    for (const run of this.attached.filter(isLeft)) await this.leave(run, open);
    return open;
  }

  /** This worker takes no part in a run from now on. */
  async refuse(id: string, reason: string): Promise<void> {
    this.refused.add(id);
    this.options.log({ event: 'refused', run: id, message: reason });
    await this.options.records.refuse(id, this.options.id, reason);
  }

  async close(): Promise<void> {
    await Promise.all(this.attached.splice(0).map((run) => run.close()));
  }

  /** As many as are asked; of those that have given nothing, the ones that were asked least lately. */
  private async wanted(records: readonly RunRecord[]): Promise<RunRecord[]> {
    const now = performance.now();
    for (const { spec, underway, gaveAt } of this.attached) if (underway === 0 && now - gaveAt > DRY_MS) this.dry.set(spec.id, now);
    const own: RunRecord[] = [];
    for (const record of records) if (await this.isOwn(record)) own.push(record);
    const dryAt = ({ spec }: RunRecord): number => this.dry.get(spec.id) ?? Number.NEGATIVE_INFINITY;
    const order = (a: RunRecord, b: RunRecord): number =>
      compare(dryAt(a), dryAt(b)) || a.spec.priority - b.spec.priority || a.spec.createdAt - b.spec.createdAt;
    return own.sort(order).slice(0, MOST_ATTACHED);
  }

  private async isOwn({ spec, isPaused, state, refusals }: RunRecord): Promise<boolean> {
    const { id, version } = spec;
    // Reopened: whoever did it may have mended the cause.
    if (this.refused.has(id) && refusals[this.options.id] !== undefined) return false;
    this.refused.delete(id);
    if (version !== PACKAGE_VERSION) {
      await this.refuse(id, `It has version ${PACKAGE_VERSION} of the package; the run was submitted with ${version}.`);
      return false;
    }
    if (state === 'submitting' && (await this.isAbandoned(spec))) return false;
    return !isPaused;
  }

  /** Ends a run whose submission has died: nobody knows what else was to be in it. */
  private async isAbandoned({ id }: RunSpec): Promise<boolean> {
    const now = performance.now();
    if (await isSubmitted(this.options.fleet, id)) {
      this.silent.delete(id);
      return false;
    }
    const since = this.silent.get(id) ?? now;
    this.silent.set(id, since);
    if (now - since < SILENT_MS) return false;
    await endSubmission(this.options.fleet, id);
    return true;
  }

  /** Whoever was to add the merge has died. */
  private async heal({ spec, state, left, round }: RunRecord): Promise<void> {
    if (state !== 'running' || left > 0) return;
    const run = this.attached.find((each) => each.spec.id === spec.id);
    if (run) await addMerge(run.queue, round);
  }

  private attach(spec: RunSpec): void {
    if (this.attached.some((run) => run.spec.id === spec.id)) return;
    const { fleet, id, lockSeconds, log, onLost } = this.options;
    const onFault = (error: Error): void => {
      // Whoever waits for Redis is told by others that it is away.
      if (fleet.redis.status === 'ready') log({ event: 'failed', run: spec.id, message: faultMessage(error) });
    };
    this.attached.push(new AttachedRun({ fleet, spec, id, lockSeconds, onFault, onLost: (job) => onLost(spec.id, job) }));
    log({ event: 'run', run: spec.id, message: spec.title });
  }

  /** Its shards under way are given back; of a run that was cancelled nobody takes them. */
  private async leave(run: AttachedRun, open: ReadonlySet<string>): Promise<void> {
    const { id } = run.spec;
    this.attached = this.attached.filter((each) => each !== run);
    await this.options.giveUp(id);
    await run.close();
    if (!open.has(id)) await this.options.forget(id);
    this.options.log({ event: 'left', run: id });
  }
}

/** Also of those that are infinite. */
function compare(a: number, b: number): number {
  return a < b ? -1 : Number(a > b);
}
