/** How a run ended: what was done, and what failed, grouped by cause, with the command that runs only those again. */
import type { RunSummary } from '../../index';
import { onOneLine } from '../lines';
import { asOptions } from '../options';
import { count, durationText, rateText } from './progress-line';

const EXAMPLES = 3;

/** What a summary advises. */
export interface Advice {
  /** The command line for the failed pictures alone. */
  failed: string;
  /** The one that goes on where the run was interrupted. */
  goOn: string;
  /** Pictures were left alone for their text files. */
  skips: boolean;
}

/** Lines of at most `columns`, but for names and commands. */
export function summaryLines(summary: RunSummary, advice: Advice): string[] {
  const { done, kept, failed, skipped, seconds, written, sidecars, failures, state, aborted } = summary;
  const rate = done > 0 && seconds > 0 ? ` (${rateText(done / seconds)})` : '';
  const parts = [
    `${count(done)} done`,
    kept > 0 && `${count(kept)} known`,
    skipped > 0 && `${count(skipped)} skipped`,
    `${count(failed)} failed`,
  ].filter(Boolean);
  const lines = [`${aborted ? 'Interrupted: ' : ''}${parts.join(', ')} in ${durationText(seconds)}${rate}`];
  if (written.length > 0) lines.push(`Written: ${written.map(onOneLine).join(', ')}`);
  if (sidecars > 0) lines.push(`Sidecars written: ${count(sidecars)}`);
  if (skipped > 0 && advice.skips) lines.push(SKIPPED);
  for (const { code, hint, count: number, examples } of failures) {
    lines.push(`${count(number)} × ${code}${hint ? `: ${asOptions(hint).replaceAll('\n', ' ')}` : ''}`);
    for (const { name, error } of examples.slice(0, EXAMPLES)) lines.push(`  ${onOneLine(name)}: ${onOneLine(asOptions(error.message))}`);
    if (number > EXAMPLES) lines.push(`  and ${count(number - Math.min(EXAMPLES, examples.length))} more`);
  }
  // Without a state another run begins anew.
  if (state === null) return lines;
  if (failed > 0) lines.push(`Only these again: ${advice.failed}`);
  if (aborted) lines.push(`It goes on where it was with: ${advice.goOn}`);
  return lines;
}

const SKIPPED =
  'Skipped: their text files are of another hand, or of a run with another state. --existing overwrite, append or prepend writes them; --state DIR names that state.';

/** This process's command line, to be pasted into a shell; without --redo, which would begin anew. `option`: one more, if it is not there. */
export function commandAgain(args: readonly string[], option?: string): string {
  const [name = '', ...others] = args.filter((each) => each !== '--redo' && each !== option);
  const words = option === undefined ? [name, ...others] : [name, option, ...others];
  return ['npx', 'torch-interrogator', ...words.map(quoted)].join(' ');
}

/** A word of a command line, as a shell reads it. */
export function quoted(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
