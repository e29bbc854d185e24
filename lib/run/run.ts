/** A run over many pictures: what is missing is done, what is known is not done again, and what comes of each is written. */
import { setMaxListeners } from 'node:events';
import { onAbort } from '../abort';
import { Config, type Interrogator, type ProgressEvent } from '../api';
import { AbortError, hasCode, InterrogatorError, throwIfAborted, toInterrogatorError } from '../errors';
import { checkedRunOptions } from './checks/run-options';
import { checkInputs, countPictures, picturesOf, type RunInput } from './inputs';
import { RunState } from './ledger/state';
import type { RunOptions, RunTask } from './options';
import type { Picture } from './picture';
import type { RunProgress, RunSummary } from './progress';
import { Publisher } from './publish';
import { type Row, type RowError, rowError } from './row';
import { inOrder } from './schedule';
import { stateFolderOf } from './state-folder';
import { type Outcome, Tally } from './tally';
import { type Ending, Watch } from './watch';
import { needsTerms } from './words';
import { Devices } from './work/devices';
import { Examiner } from './work/examine';
import { keysOf, type Plan } from './work/keys';
import { planFor, refuseOther } from './work/plan';
import { rowOf } from './work/row-of';

/** Pictures that are read and hashed ahead of the devices. */
const AHEAD = 8;
/** For each picture under way so many may be done before the first of them is: one that lasts does not stop the others. */
const WINDOW = 3;
/** Of pictures that were read before it was their turn: members of shards, rows of parquet files. */
const MOST_HELD = 256 << 20;
/** Stages that are told of: what is before the first picture, and may last. */
const STAGES = /^(load|download|copy|labels)\b/;

/** One picture at its end. */
interface Ended {
  /** Absent where it was left out. */
  row?: Row;
  picture: Picture;
  outcome: Outcome;
  /** What could not be made or written of it. */
  fault?: RowError;
}

/** Made by runFolder(). */
export class Run implements AsyncIterable<Row> {
  private readonly tally = new Tally();
  /** No more pictures are begun. */
  private readonly stopping = new AbortController();
  /** What is under way is given up. */
  private readonly ending = new AbortController();
  private readonly task: RunTask;
  private summary: RunSummary | undefined;
  private iterated = false;
  /** A picture is or was under way. */
  private begun = false;
  /** What ended the run first: what is given up then fails, too. */
  private failure: { error: unknown } | undefined;

  private readonly options: RunOptions;

  /** @internal Throws what checkInputs() and checkedRunOptions() throw. */
  constructor(
    private readonly inputs: readonly RunInput[],
    given: RunOptions,
    /** Where they are listed already: instead of the inputs' own. */
    private readonly listed?: (signal: AbortSignal) => AsyncIterable<Picture>,
  ) {
    checkInputs(inputs);
    this.options = checkedRunOptions(given);
    this.task = withTerms(this.options.task ?? { kind: 'interrogate', modes: ['best'] }, this.options);
    // Every file that is being read listens.
    setMaxListeners(0, this.ending.signal, this.stopping.signal);
  }

  get progress(): RunProgress {
    return this.tally.progress;
  }

  /** @internal What each picture is filed under; undefined until the models are there. */
  plan: Plan | undefined;
  /** @internal Numbers in a picture's features. */
  embedDim = 0;

  /** What the run came to; undefined before its end. */
  get result(): RunSummary | undefined {
    return this.summary;
  }

  /**
   * Begins no more pictures: those under way come to their end, and what is there is written. Before the first picture, while models load
   * or labels are embedded, it ends the run as the signal does.
   */
  stop(): void {
    this.stopping.abort();
    const { done, stage } = this.tally.progress;
    if (!this.begun || (stage && done === 0)) this.ending.abort();
  }

  /** Runs to the end without anybody looking at the rows. Rejects with what ended the run: ERR_IO, ERR_BUSY, an AbortError and so on. */
  async finish(): Promise<RunSummary> {
    for await (const _ of this) {
      // They are written as they come.
    }
    return this.summary as RunSummary;
  }

  /** A row for each picture, in the order of the inputs; once. Leaving the loop gives up what is under way. */
  [Symbol.asyncIterator](): AsyncGenerator<Row, void, undefined> {
    if (this.iterated) throw new InterrogatorError('ERR_INVALID_ARGUMENT', 'A run can be iterated once.', { hint: 'Start another one.' });
    this.iterated = true;
    const rows = this.rows();
    const leave = rows.return.bind(rows);
    rows.return = (value) => {
      this.give();
      return leave(value);
    };
    return rows;
  }

  private async *rows(): AsyncGenerator<Row, void, undefined> {
    const { options, task, ending, stopping } = this;
    throwIfAborted(options.signal);
    const leave = onAbort(options.signal, () => this.give());
    /** In this order, at the end. */
    const closers: Closer[] = [];
    // Whoever leaves the loop before its end had enough.
    let ended: Ending = { state: 'interrupted' };
    try {
      const publisher = await Publisher.open(options, task);
      closers.unshift(() => publisher.abandon());
      const folder = await stateFolderOf(this.inputs, options);
      const state = folder === undefined ? undefined : await RunState.open(folder, ending.signal);
      if (state) closers.unshift(() => state.close());
      const watch = new Watch(this.tally, state, options.onProgress, (error) => this.failWith(error));
      closers.unshift((failure) => watch.end(failure === undefined ? ended : failed(failure)));
      if (state) closers.unshift(() => state.ledger.close());
      const devices = await this.openDevices();
      closers.unshift(() => devices.dispose());
      const plan = await this.planned(devices, state);
      const { first } = devices;
      this.plan = plan;
      this.embedDim = first.embedDim;
      const countTokens = (text: string): Promise<number> => first.countTokens(text);
      await publisher.begin({ ledger: state?.ledger, countTokens, embedDim: first.embedDim });
      const again = options.again ?? 'missing';
      const examiner = new Examiner({ devices, task, plan, ledger: state?.ledger, again, signal: ending.signal });
      const active = devices.most + AHEAD;
      const held = { most: MOST_HELD, of: ({ bytes = 0 }: Picture) => bytes };
      const schedule = { active, window: active * WINDOW, held, stop: stopping.signal };
      const work = (picture: Picture): Promise<Ended> => this.orFail(this.work(picture, examiner, plan, publisher));
      this.tally.stage = undefined;
      if (!this.listed) this.countInputs();
      const pictures = this.listed?.(ending.signal) ?? picturesOf(this.inputs, this.inputOptions);
      for await (const { row, picture, outcome, fault: earlier } of inOrder(pictures, schedule, work)) {
        const unwritten = row && (await this.orFail(publisher.write(row, picture, ending.signal)));
        const fault = earlier ?? unwritten;
        this.tally.count(fault ? 'failed' : outcome);
        if (fault) this.tally.fail(picture.name, fault);
        if (row) yield row;
      }
      throwIfAborted(options.signal);
      if (this.failure) throw this.failure.error;
      this.summary = await publisher.finish(this.summarize(folder ?? null));
      ended = { state: this.summary.aborted ? 'interrupted' : 'ended' };
    } catch (cause) {
      if (options.signal?.aborted) throw new AbortError(options.signal.reason);
      const { error } = this.failure ?? { error: cause };
      if (!hasCode(error, 'ERR_ABORTED')) ended = failed(error);
      throw error;
    } finally {
      leave();
      this.give();
      await closeAll(closers);
    }
  }

  private give(): void {
    this.stopping.abort();
    this.ending.abort();
  }

  /** The first failure ends what is under way at once: nothing of it could be kept. */
  private failWith(error: unknown): void {
    this.failure ??= { error };
    this.give();
  }

  private async orFail<T>(work: Promise<T>): Promise<T> {
    return await work.catch((error) => {
      this.failWith(error);
      throw error;
    });
  }

  private async openDevices(): Promise<Devices> {
    const { options, task } = this;
    // Of interrogators that are there it does not count.
    const config = new Config(options.interrogators ? {} : (options.config ?? {}));
    const chains = task.kind === 'interrogate' && task.modes.some((mode) => mode === 'best' || mode === 'negative');
    const devices = await Devices.open({
      config: needsCaptionModel(task) ? config : new Config({ ...config, captionModelName: null }),
      devices: options.devices ?? [config.device],
      ...(options.interrogators && { interrogators: options.interrogators }),
      ...(options.concurrency !== undefined && { concurrency: options.concurrency }),
      chains,
      signal: this.ending.signal,
      onProgress: (event) => this.tellStage(event),
    });
    this.tally.devices = devices.names;
    return devices;
  }

  private async planned(devices: Devices, state: RunState | undefined): Promise<Plan> {
    const { signal } = this.ending;
    const [first, ...others] = this.options.interrogators ?? [devices.first];
    const plan = await planFor(this.task, first as Interrogator, signal);
    for (const [i, each] of others.entries()) refuseOther(plan, await planFor(this.task, each, signal), i + 1);
    for (const { key, settings } of keysOf(plan)) await state?.ledger.describe(key, settings);
    return plan;
  }

  /** What is told while pictures are under way is of single ones. */
  private tellStage(event: ProgressEvent): void {
    if (!STAGES.test(event.stage)) return;
    this.tally.stage = event.done < event.total ? event : undefined;
  }

  private get inputOptions() {
    const { recursive, include, exclude, from } = this.options;
    return {
      ...(recursive !== undefined && { recursive }),
      ...(include && { include }),
      ...(exclude && { exclude }),
      ...(from && { from }),
      signal: this.ending.signal,
    };
  }

  /** Meanwhile: nobody waits for the number. */
  private countInputs(): void {
    countPictures(this.inputs, this.inputOptions).then(
      (total) => {
        this.tally.total = total;
      },
      () => {},
    );
  }

  /** Rejects where the run cannot go on. */
  private async work(picture: Picture, examiner: Examiner, plan: Plan, publisher: Publisher): Promise<Ended> {
    this.begun = true;
    const claimed = await publisher.claim(picture);
    if (claimed === 'skipped') return { picture, outcome: 'skipped' };
    const examined = await examiner.examine(picture);
    if (!examined) return { picture, outcome: 'skipped' };
    if (examined.isEncoded) this.tally.encoded += 1;
    const row = await publisher.word(rowOf(picture, examined, this.task, plan));
    const fault = row.error ?? claimed ?? (await publisher.publish(picture, row, examined.line));
    return { picture, row, outcome: fault ? 'failed' : examined.isNew ? 'done' : 'kept', ...(fault && { fault }) };
  }

  private summarize(state: string | null): RunSummary {
    const { tally, stopping } = this;
    return { ...tally.progress, failures: tally.failures, written: [], sidecars: 0, state, aborted: stopping.signal.aborted };
  }
}

export function needsCaptionModel(task: RunTask): boolean {
  return task.kind === 'interrogate' && !task.caption && task.modes.some((mode) => mode !== 'negative');
}

/** Told of what a closer before it failed with. */
type Closer = (failure: unknown) => Promise<void>;

/** All of them, whatever one fails with. */
async function closeAll(closers: readonly Closer[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers) await close(failures[0]).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

function failed(error: unknown): Ending {
  return { state: 'failed', error: rowError(toInterrogatorError(error)) };
}

/** Terms of each table that a page shows, and that templates choose from. */
const TERMS = 5;

/** A template and a page ask for what no mode gives. */
export function withTerms(task: RunTask, { words, report }: RunOptions): RunTask {
  if (task.kind !== 'interrogate') return task;
  const hasReport = report !== undefined;
  const termCount = Math.max(hasReport || needsTerms(words?.template) ? TERMS : 0, task.termCount ?? 0);
  return { ...task, termCount, similarities: task.similarities ?? hasReport };
}
