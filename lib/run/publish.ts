/** What a run writes of its rows: tables, sidecars, texts within the pictures, the report. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { hasCode, toInterrogatorError } from '../errors';
import type { Ledger } from './ledger/ledger';
import type { PictureLine } from './ledger/line';
import type { RunOptions, RunTask } from './options';
import { checkTable, openTable, Sidecars, type Table } from './outputs';
import type { Picture } from './picture';
import type { RunSummary } from './progress';
import type { Row, RowError, RowText } from './row';
import { applyWords } from './words';
import { placeOf } from './work/examine';

export interface Setting {
  ledger: Ledger | undefined;
  countTokens: (text: string) => Promise<number>;
}

interface Target {
  file: string;
  /** There was one before this run. */
  replaces: boolean;
  table: Table;
}

export class Publisher {
  private readonly targets: Target[] = [];
  private setting: Setting = { ledger: undefined, countTokens: async () => 0 };
  private sidecarsWritten = 0;

  private constructor(
    private readonly options: RunOptions,
    private readonly task: RunTask,
    private readonly sidecars: Sidecars | undefined,
  ) {}

  /** Rejects with ERR_INVALID_ARGUMENT and ERR_IO for what could not be written at the end. */
  static async open(options: RunOptions, task: RunTask): Promise<Publisher> {
    for (const file of options.out ?? []) await checkTable(file, task.kind);
    const sidecars = options.sidecar && new Sidecars({ ...options.sidecar, modes: modesOf(task) });
    return new Publisher(options, task, sidecars);
  }

  async begin(setting: Setting): Promise<void> {
    this.setting = setting;
    for (const file of this.options.out ?? []) {
      const replaces = (await stat(file).catch(() => undefined)) !== undefined;
      this.targets.push({ file, replaces, table: await openTable(file, this.task.kind, { modes: modesOf(this.task) }) });
    }
  }

  /** Whether the picture has what was to be written beside it, of another hand, which is to stay. */
  async skips(picture: Picture): Promise<boolean> {
    const { ledger } = this.setting;
    if (this.options.sidecar?.existing !== 'skip' || !this.sidecars) return false;
    const file = this.sidecars.fileFor(picture);
    const there = file && (await readFile(file).catch(() => undefined));
    if (!there) return false;
    const image = ledger && placeOf(picture, path.dirname(ledger.folder));
    const line = image && (await ledger?.ofImage(image));
    return !line || line.sidecars?.[file.toString('latin1')] !== sha256(there);
  }

  /** The row with its texts as the rules for words leave them. */
  async word(row: Row): Promise<Row> {
    const { words } = this.options;
    if (!words || !row.texts) return row;
    const [first] = row.texts;
    const negative = row.texts.find(({ mode }) => mode === 'negative')?.original;
    const texts: RowText[] = [];
    for (const each of row.texts) {
      const parts = {
        prompt: each.original,
        ...(row.caption !== undefined && { caption: row.caption }),
        ...(negative !== undefined && { negative }),
        ...(row.terms && { terms: row.terms }),
      };
      texts.push({ ...each, text: await applyWords(each.mode, parts, words, this.setting.countTokens) });
    }
    return first ? { ...row, texts } : row;
  }

  /** Writes what belongs to the picture alone. Resolves with what could not be written; rejects where nothing more can. */
  async publish(picture: Picture, row: Row, line: PictureLine): Promise<RowError | undefined> {
    return undefined;
  }

  /** Adds the row to the tables. Rows come in the run's order. */
  async write(row: Row): Promise<void> {
    for (const { table } of this.targets) await table.write(row);
  }

  /** Puts the tables in their places. Of a run that was stopped, an older one stays. */
  async finish(summary: RunSummary): Promise<RunSummary> {
    const written: string[] = [];
    for (const { file, table, replaces } of this.targets.splice(0)) {
      if (summary.aborted && replaces) await table.abandon();
      else {
        await table.finish();
        written.push(file);
      }
    }
    return { ...summary, written, sidecars: this.sidecarsWritten };
  }

  async abandon(): Promise<void> {
    for (const { table } of this.targets.splice(0)) await table.abandon();
  }
}

function modesOf(task: RunTask) {
  return task.kind === 'interrogate' ? task.modes : [];
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
