/** What a run writes of its rows: tables, sidecars, texts within the pictures, the report. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { InterrogatorError, toInterrogatorError } from '../errors';
import type { Ledger } from './ledger/ledger';
import type { PictureLine } from './ledger/line';
import type { RunOptions, RunTask } from './options';
import { checkTable, Embedding, openTable, PictureFault, type SidecarMarks, Sidecars, type Table } from './outputs';
import type { Picture } from './picture';
import type { RunSummary } from './progress';
import { checkReport, openReport } from './report';
import { type Row, type RowError, type RowText, rowError } from './row';
import { applyWords, checkWords } from './words';
import { placeOf } from './work/examine';

export interface Setting {
  ledger: Ledger | undefined;
  countTokens: (text: string) => Promise<number>;
  /** Numbers in a picture's features. */
  embedDim: number;
}

interface Target {
  file: string;
  /** There was one before this run. */
  replaces: boolean;
  table: Table;
}

export class Publisher {
  private readonly targets: Target[] = [];
  private setting: Setting = { ledger: undefined, countTokens: async () => 0, embedDim: 0 };

  private constructor(
    private readonly options: RunOptions,
    private readonly task: RunTask,
    private readonly sidecars: Sidecars | undefined,
    private readonly embedding: Embedding | undefined,
  ) {}

  /** Rejects with ERR_INVALID_ARGUMENT and ERR_IO for what could not be written at the end. */
  static async open(options: RunOptions, task: RunTask): Promise<Publisher> {
    for (const file of options.out ?? []) await checkTable(file, task.kind);
    if (options.report !== undefined) await checkReport(options.report);
    refuseTwice([...(options.out ?? []), ...(options.report === undefined ? [] : [options.report])]);
    if (options.words) checkWords(options.words);
    const sidecars = options.sidecar && new Sidecars({ ...options.sidecar, modes: modesOf(task) });
    return new Publisher(options, task, sidecars, options.embed && (await Embedding.open()));
  }

  async begin(setting: Setting): Promise<void> {
    this.setting = setting;
    const { out = [], report } = this.options;
    const { kind } = this.task;
    const probabilities = this.task.kind === 'rank' && this.task.scores === 'probability';
    const similarities = this.task.kind === 'interrogate' && this.task.similarities === true;
    const add = async (file: string, open: () => Promise<Table>): Promise<void> => {
      const replaces = (await stat(file).catch(() => undefined)) !== undefined;
      this.targets.push({ file, replaces, table: await open() });
    };
    const table = { kind, modes: modesOf(this.task), similarities, probabilities, embedDim: setting.embedDim };
    for (const file of out) await add(file, () => openTable(file, table));
    if (report !== undefined) await add(report, () => openReport(report, { kind }));
  }

  /**
   * Gives the picture its sidecars, for which pictures must be claimed for in their order. 'skipped': it has a text of another hand, which is
   * to stay. An error: another picture has its sidecars.
   */
  claim(picture: Picture): Promise<'skipped' | RowError | undefined> {
    const { sidecars } = this;
    const error = sidecars?.claim(picture);
    return error || !sidecars ? Promise.resolve(error && rowError(error)) : this.skips(picture, sidecars);
  }

  private async skips(picture: Picture, sidecars: Sidecars): Promise<'skipped' | undefined> {
    return (await sidecars.skips(picture, await this.marksOf(picture))) ? 'skipped' : undefined;
  }

  /** What is known of a picture whose row was made elsewhere. */
  async lineOf(picture: Picture, row: Row): Promise<PictureLine> {
    const { ledger } = this.setting;
    const sha256 = row.sha256 ?? null;
    if (!ledger) return { sha256, image: picture.name };
    const image = placeOf(picture, path.dirname(ledger.folder));
    return { sha256, image, sidecars: (await ledger.ofImage(image))?.sidecars ?? {} };
  }

  private async marksOf(picture: Picture): Promise<SidecarMarks | undefined> {
    const { ledger } = this.setting;
    return (await ledger?.ofImage(placeOf(picture, path.dirname(ledger.folder))))?.sidecars;
  }

  /** The row with its texts as the rules for words leave them. */
  async word(row: Row): Promise<Row> {
    const { words } = this.options;
    if (!words || !row.texts) return row;
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
    return { ...row, texts };
  }

  /** Writes what belongs to the picture alone. Resolves with what could not be written; rejects where the state cannot be kept. */
  async publish(picture: Picture, row: Row, line: PictureLine): Promise<RowError | undefined> {
    if (row.error) return undefined;
    const { ledger } = this.setting;
    try {
      let marked = line;
      await this.sidecars?.write(picture, row, line.sidecars, async (sidecars) => {
        const { features: _, ...rest } = line;
        marked = (await ledger?.add({ line: { ...rest, sidecars } })) ?? line;
      });
      if (this.embedding) await this.embed(picture, row, marked);
      return undefined;
    } catch (error) {
      // What the ledger fails with ends the run.
      if (ledger?.hasFailed) throw error;
      return rowError(toInterrogatorError(error));
    }
  }

  /** The file is to have another content, of the same pixels: what is known of the old one is known of the new one before it is there. */
  private async embed({ name, file }: Picture, row: Row, line: PictureLine): Promise<void> {
    const { ledger } = this.setting;
    if (!file) {
      throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${name} is no file of its own, into which a text could be written.`, {
        hint: 'Write one file of all texts with the option out (--out FILE).',
      });
    }
    await this.embedding?.write(file, row, async ({ replaced, ...made }) => {
      if (line.stamp !== undefined && line.stamp !== replaced) {
        const message = `${row.name} has changed since it was looked at: the text is not written into it.`;
        throw new InterrogatorError('ERR_IO', message, { hint: 'Run again when nothing writes to it any more.' });
      }
      const { features, ...rest } = line;
      const original = line.original ?? line.sha256 ?? made.sha256;
      await ledger?.add({ line: { ...rest, ...made, original }, ...(features && { places: features }) });
    });
  }

  /** Adds the row to the tables. Rows come in the run's order. Resolves with what one of them lacks of the picture. */
  async write(row: Row, picture: Picture, signal: AbortSignal): Promise<RowError | undefined> {
    let fault: RowError | undefined;
    for (const { table } of this.targets) {
      await table.write(row, picture, signal).catch((error) => {
        if (!(error instanceof PictureFault)) throw error;
        fault ??= error.error;
      });
    }
    return fault;
  }

  /** Puts the tables in their places. Of a run that was stopped, an older one stays. */
  async finish(summary: RunSummary): Promise<RunSummary> {
    const written: string[] = [];
    // What is behind one that fails is abandoned.
    for (let target = this.targets.shift(); target; target = this.targets.shift()) {
      const { file, table, replaces } = target;
      if (summary.aborted && replaces) await table.abandon();
      else {
        await table.finish(summary).catch(async (error) => {
          await table.abandon();
          throw error;
        });
        written.push(file);
      }
    }
    return { ...summary, written, sidecars: this.sidecars?.written ?? 0 };
  }

  async abandon(): Promise<void> {
    for (const { table } of this.targets.splice(0)) await table.abandon();
    await this.embedding?.close();
  }
}

/** Throws ERR_INVALID_ARGUMENT where two outputs are one file. */
function refuseTwice(files: readonly string[]): void {
  const twice = files.find((file, i) => files.findIndex((other) => path.resolve(other) === path.resolve(file)) < i);
  if (twice === undefined) return;
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `out: ${twice} is named twice.`, { hint: 'Name each file once.' });
}

function modesOf(task: RunTask) {
  return task.kind === 'interrogate' ? task.modes : [];
}
