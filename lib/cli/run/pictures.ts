/** Runs a command over pictures: rows to standard output, the progress to stderr, Ctrl-C, and the exit code. */
import { AbortError, type Row, type RunOptions, type RunSummary, runFolder } from '../../index';
import { EXIT } from '../failure';
import { argumentInputs } from '../inputs';
import { onInterrupts } from '../interrupts';
import { onOneLine, print } from '../lines';
import { eraseStatus } from '../status';
import { complain } from './complaint';
import { commandAgain, summaryLines } from './summary';
import { type ProgressKind, ProgressWatch } from './watch';

export interface PicturesOptions {
  json?: boolean;
  progress: ProgressKind;
  quiet?: boolean;
  /** A row for a person to read. The name and a tab go before each line. */
  toText(row: Row): string[];
  toObject(row: Row): object;
}

/** Sets the exit code. Rejects with what ended the run, but for Ctrl-C, after which the result is of what was done by then. */
export async function runPictures(args: readonly string[], run: RunOptions, options: PicturesOptions): Promise<RunSummary> {
  const { json, toText, toObject, quiet } = options;
  const watch = new ProgressWatch(quiet ? 'none' : options.progress);
  const ending = new AbortController();
  const started = runFolder(argumentInputs(args), { ...run, signal: ending.signal, onProgress: (progress) => watch.tell(progress) });
  const writes = [...(run.out ?? []), run.report, run.sidecar, run.embed].some((each) => each !== undefined);
  const printsRows = json || !writes;
  const leave = onInterrupts(() => {
    started.stop();
    watch.note('Stopping after the pictures under way. Ctrl-C again ends at once, without them.');
  });
  let pictures = 0;
  let isWhole = false;
  try {
    for await (const row of started) {
      pictures += 1;
      if (!printsRows) continue;
      eraseStatus();
      if (json) print(JSON.stringify(toObject(row)));
      else if (row.error) complain(row);
      else for (const line of toText(row)) print(`${onOneLine(row.name)}\t${line}`);
    }
    isWhole = true;
  } finally {
    leave();
    // What fails while all is closed is no end that is told as one.
    watch.end(isWhole ? started.result : undefined);
  }
  const { result } = started;
  if (!result) throw new AbortError();
  const line = process.argv.slice(2);
  const advice = {
    failed: commandAgain(line, '--only-errors'),
    goOn: commandAgain(line),
    skips: run.sidecar !== undefined && run.again !== 'errors',
  };
  if (tells(options, pictures, writes || result.aborted)) for (const each of summaryLines(result, advice)) console.error(each);
  if (result.aborted) process.exitCode = EXIT.interrupted;
  else process.exitCode = result.failed > 0 ? EXIT.failed : EXIT.ok;
  return result;
}

/** Where rows are printed, those that failed were told of; a single picture needs no summary. */
function tells({ progress, quiet, json }: PicturesOptions, pictures: number, writes: boolean): boolean {
  if (quiet || progress === 'none' || progress === 'json') return false;
  return writes || (pictures > 1 && process.stderr.isTTY === true && !json);
}
