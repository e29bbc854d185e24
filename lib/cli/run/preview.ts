/** --dry-run: what the rules for words do to the texts of ten pictures. Nothing is written. */
import { AbortError, previewWords, type RunOptions, runFolder } from '../../index';
import { argumentInputs } from '../inputs';
import { onInterrupts } from '../interrupts';

const PICTURES = 10;

export async function previewPictures(
  args: readonly string[],
  { out: _, report: __, sidecar: ___, embed: ____, ...run }: RunOptions,
): Promise<void> {
  const ending = new AbortController();
  const leave = onInterrupts(() => ending.abort());
  const samples: { name: string; before: string; after: string }[] = [];
  try {
    for await (const { name, texts = [], error } of runFolder(argumentInputs(args), { ...run, state: null, signal: ending.signal })) {
      if (error) console.error(`${name}: ${error.message}`);
      for (const { original, text } of texts.slice(0, 1)) samples.push({ name, before: original, after: text });
      if (samples.length === PICTURES) break;
    }
  } finally {
    leave();
  }
  if (ending.signal.aborted) throw new AbortError();
  console.log(previewWords(samples, process.stdout.columns || 80));
}
