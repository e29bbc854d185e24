/** --dry-run: what the rules for words do to the texts of ten pictures. Nothing is written. */
import { AbortError, previewWords, type RunOptions, runFolder } from '../../index';
import { EXIT } from '../failure';
import { argumentInputs } from '../inputs';
import { onInterrupts } from '../interrupts';
import { onOneLine } from '../lines';
import { complain } from './complaint';

const PICTURES = 10;

/** Sets the exit code: pictures that fail on the way count as in a run. */
export async function previewPictures(
  args: readonly string[],
  { out: _, report: __, sidecar: ___, embed: ____, ...run }: RunOptions,
): Promise<void> {
  const ending = new AbortController();
  const leave = onInterrupts(() => ending.abort());
  const samples: { name: string; before: string; after: string }[] = [];
  const counts = { shown: 0, failed: 0 };
  try {
    for await (const row of runFolder(argumentInputs(args), { ...run, state: null, signal: ending.signal })) {
      if (row.error) {
        counts.failed += 1;
        complain(row);
        continue;
      }
      const { name, texts = [] } = row;
      for (const { mode, original, text } of texts) {
        const title = texts.length > 1 ? `${onOneLine(name)} (${mode})` : onOneLine(name);
        samples.push({ name: title, before: original, after: text });
      }
      counts.shown += 1;
      if (counts.shown === PICTURES) break;
    }
  } finally {
    leave();
  }
  if (ending.signal.aborted) throw new AbortError();
  if (samples.length > 0) console.log(previewWords(samples, process.stdout.columns || 80));
  process.exitCode = counts.failed > 0 ? EXIT.failed : EXIT.ok;
}
