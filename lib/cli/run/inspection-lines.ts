/** What the doctor of a set found, for a person at a terminal. */
import type { Inspection } from '../../index';
import { onOneLine } from '../lines';
import { count } from './progress-line';

/** Of each list; the whole ones are in the JSON. */
const SHOWN = 10;

/** No line is wider than the columns. */
export function inspectionLines(inspection: Inspection, columns: number): string[] {
  const { pictures, gone, failed, duplicates, nearDuplicates, unlike, captions, shared, coverage } = inspection;
  const parts = [`${count(pictures)} pictures`, gone > 0 && `${count(gone)} gone`, failed > 0 && `${count(failed)} failed`].filter(Boolean);
  const lines = [parts.join(', ')];
  const section = (title: string, rows: readonly string[], total = rows.length): void => {
    if (total === 0) return;
    lines.push('', title, ...rows.slice(0, SHOWN).map((row) => `  ${row}`));
    if (total > SHOWN) lines.push(`  and ${count(total - SHOWN)} more: --json lists them`);
  };
  section(
    `Duplicates: ${count(duplicates.length)} contents with more than one name`,
    duplicates.map((names) => names.map(onOneLine).join(' = ')),
  );
  section(
    `Near duplicates: ${count(nearDuplicates.length)} groups that look the same`,
    nearDuplicates.map(({ names, similarity }) => `${similarity.toFixed(3)}  ${names.map(onOneLine).join(' ~ ')}`),
  );
  section(
    'Unlike all others',
    unlike.map(({ name, nearest, similarity }) => `${similarity.toFixed(3)}  ${onOneLine(name)}  (nearest: ${onOneLine(nearest)})`),
  );
  if (captions) {
    section(
      `Texts that fit their picture worst, of ${count(captions.count)} (mean ${captions.mean.toFixed(3)} ± ${captions.deviation.toFixed(3)})`,
      captions.worst.map(
        ({ name, text, similarity, deviations }) =>
          `${similarity.toFixed(3)}  ${deviations.toFixed(1)}σ  ${onOneLine(name)}: ${onOneLine(text)}`,
      ),
    );
  }
  section(
    'Terms of nearly all pictures: candidates for a trigger word',
    shared.map(({ term, share }) => `${Math.round(share * 100)} %  ${onOneLine(term)}`),
  );
  const { meanSimilarity, terms, effectiveTerms, frequent, rare } = coverage;
  lines.push('', `Coverage: two pictures are ${meanSimilarity.toFixed(3)} similar in the mean`);
  if (terms > 0) {
    lines.push(`  ${count(terms)} terms, which count as ${effectiveTerms.toFixed(1)} equally frequent ones`);
    lines.push(
      `  most frequent: ${frequent
        .slice(0, SHOWN)
        .map((each) => `${onOneLine(each.term)} (${each.count})`)
        .join(', ')}`,
    );
    if (rare.length > 0) lines.push(`  of one picture alone: ${rare.slice(0, SHOWN).map(onOneLine).join(', ')}`);
  }
  return lines.map((line) => (line.length > columns ? `${line.slice(0, columns - 1)}…` : line));
}
