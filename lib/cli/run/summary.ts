/** How a run ended: what was done, and what failed, grouped by cause, with the command that runs only those again. */
import type { RunSummary } from '../../index';
import { onOneLine } from '../lines';
import { asOptions } from '../options';
import { count, durationText, rateText } from './progress-line';

const EXAMPLES = 3;

/** Lines of at most `columns`, but for names and commands. `again`: the command line that runs only the failed ones. */
export function summaryLines(summary: RunSummary, again: string): string[] {
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
  for (const { code, hint, count: number, examples } of failures) {
    lines.push(`${count(number)} × ${code}${hint ? `: ${asOptions(hint).replaceAll('\n', ' ')}` : ''}`);
    for (const { name, error } of examples.slice(0, EXAMPLES)) lines.push(`  ${onOneLine(name)}: ${onOneLine(asOptions(error.message))}`);
    if (number > EXAMPLES) lines.push(`  and ${count(number - Math.min(EXAMPLES, examples.length))} more`);
  }
  // Without a state another run begins anew.
  if (state === null) return lines;
  if (failed > 0) lines.push(`Only these again: ${again}`);
  if (aborted) lines.push('Run the same command again: it goes on where it was.');
  return lines;
}

/** This process's command line with one more option, to be pasted into a shell. */
export function commandWith(option: string, args: readonly string[]): string {
  const [name = '', ...others] = args.filter((each) => each !== '--redo' && each !== option);
  const words = [name, option, ...others];
  return ['npx', 'torch-interrogator', ...words.map(quoted)].join(' ');
}

function quoted(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
