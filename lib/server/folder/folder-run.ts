/** A run over the folder that a server was started with: begun, paused, gone on with, and watched. */
import { EventEmitter } from 'node:events';
import { AbortError, type Interrogator, type Mode, type Run, type RunProgress, readRunStatus, runFolder } from '../../index';
import { Refusal } from '../answers/refusal';
import { toRefusal } from '../answers/to-refusal';
import type { FolderRun } from '../contract/folder';

export interface RunWish {
  modes: readonly Mode[];
  again: 'missing' | 'errors' | 'all';
  /** Write the first mode's text beside each picture that has none. */
  sidecar: boolean;
}

/** Pictures at a time: requests have their share of the device beside them. */
const AT_ONCE = 4;

export class FolderRunner {
  /** `run` with the state, whenever it changes. */
  readonly events = new EventEmitter().setMaxListeners(0);
  private run: Run | undefined;
  /** Also while the models are loaded for it. */
  private isBusy = false;
  private isStopping = false;
  private ending: Promise<void> = Promise.resolve();
  private state: FolderRun['state'] | undefined;
  private progress: RunProgress | undefined;
  private message: string | undefined;
  private wish: RunWish | undefined;

  constructor(
    private readonly folder: string,
    /** Which interrogator does it, for as long as it lasts. */
    private readonly borrow: () => Promise<{ interrogator: Interrogator } & Disposable>,
  ) {}

  async shown(): Promise<FolderRun> {
    if (this.state !== undefined) return this.now(this.state);
    const status = await readRunStatus(this.folder);
    if (!status) return { ...NOTHING, state: 'never' };
    const { state, done, kept, failed, total } = status;
    // Of another process, or of one before this server.
    const found = state === 'broken off' ? 'interrupted' : state;
    return { state: found, done: done + kept, total, failed, perSecond: null, secondsLeft: null };
  }

  /** Throws 409 where one is under way. */
  start(wish: RunWish): FolderRun {
    if (this.isBusy) throw new Refusal(409, 'ERR_CONFLICT', 'A run over this folder is under way.', { hint: 'Pause it first.' });
    this.isBusy = true;
    this.isStopping = false;
    this.wish = wish;
    this.message = undefined;
    const { modes, again, sidecar } = wish;
    this.tell('running');
    this.ending = this.work(async () => {
      using borrowed = await this.borrow();
      if (this.isStopping) return 'paused';
      this.run = runFolder(this.folder, {
        interrogators: [borrowed.interrogator],
        task: { kind: 'interrogate', modes },
        again,
        concurrency: AT_ONCE,
        ...(sidecar && { sidecar: { existing: 'skip' as const } }),
        onProgress: (progress) => {
          this.progress = progress;
          this.tell(this.state ?? 'running');
        },
      });
      const { aborted } = await this.run.finish();
      return aborted ? 'paused' : 'ended';
    });
    return this.now('running');
  }

  /** Those that are under way come to their end; the ledger keeps them. */
  async pause(): Promise<FolderRun> {
    this.isStopping = true;
    this.run?.stop();
    await this.ending;
    return this.shown();
  }

  /** Goes on with what was paused, or broke off: only what is missing is done. */
  resume(): FolderRun {
    return this.start(this.wish ?? { modes: ['caption'], again: 'missing', sidecar: true });
  }

  private async work(run: () => Promise<FolderRun['state']>): Promise<void> {
    try {
      this.state = await run();
    } catch (error) {
      // Stopped before its first picture.
      const isPaused = this.isStopping && error instanceof AbortError;
      this.state = isPaused ? 'paused' : 'failed';
      if (!isPaused) this.message = toRefusal(error).message;
    }
    this.run = undefined;
    this.isBusy = false;
    this.tell(this.state);
  }

  private tell(state: FolderRun['state']): void {
    this.state = state;
    this.events.emit('run', this.now(state));
  }

  private now(state: FolderRun['state']): FolderRun {
    const { done = 0, kept = 0, failed = 0, total = null, rate = 0, secondsLeft = null } = this.progress ?? {};
    const message = this.message === undefined ? {} : { message: this.message };
    return { state, done: done + kept, total, failed, perSecond: rate || null, secondsLeft, ...message };
  }
}

const NOTHING = { done: 0, total: null, failed: 0, perSecond: null, secondsLeft: null };
