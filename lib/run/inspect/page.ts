/** What the doctor of a set found, as a page: one file, with nothing from elsewhere. */
import { createHash } from 'node:crypto';
import { encode } from 'html-entities';
import { writeWhole } from '../outputs';
import type { Inspection } from './inspection';

const STYLE = `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin:2rem 0 .5rem}table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid color-mix(in srgb,currentColor 15%,transparent);overflow-wrap:anywhere}
td.number{font-variant-numeric:tabular-nums;white-space:nowrap}p.quiet{opacity:.7}`;

/** Rejects with ERR_IO where the file cannot be written. */
export async function writeInspection(file: string, title: string, inspection: Inspection): Promise<void> {
  await writeWhole(file, pageOf(title, inspection));
}

function pageOf(title: string, inspection: Inspection): string {
  const { pictures, gone, failed, duplicates, nearDuplicates, unlike, captions, shared, coverage } = inspection;
  const hash = createHash('sha256').update(STYLE).digest('base64');
  const sections = [
    table(
      'Duplicates',
      ['names with the same content'],
      duplicates.map((names) => [names.join('\n')]),
    ),
    table(
      'Near duplicates',
      ['similarity', 'pictures that look the same'],
      nearDuplicates.map(({ names, similarity }) => [similarity, names.join('\n')]),
    ),
    table(
      'Unlike all others',
      ['similarity', 'picture', 'nearest'],
      unlike.map(({ name, nearest, similarity }) => [similarity, name, nearest]),
    ),
    table(
      captions ? `Texts that fit worst, of ${captions.count}` : 'Texts',
      ['similarity', 'deviations', 'picture', 'text'],
      captions?.worst.map(({ similarity, deviations, name, text }) => [similarity, deviations, name, text]) ?? [],
    ),
    table(
      'Terms of nearly all pictures: candidates for a trigger word',
      ['share', 'term'],
      shared.map(({ share, term }) => [share, term]),
    ),
    table(
      `Most frequent of ${coverage.terms} terms, which count as ${coverage.effectiveTerms.toFixed(1)} equally frequent ones`,
      ['pictures', 'term'],
      coverage.frequent.map(({ count, term }) => [String(count), term]),
    ),
    table(
      'Terms of one picture alone',
      ['term'],
      coverage.rare.map((term) => [term]),
    ),
  ];
  const found = [
    `${pictures} pictures`,
    `${gone} gone`,
    `${failed} failed`,
    `two are ${coverage.meanSimilarity.toFixed(3)} similar in the mean`,
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'">
<title>${text(title)}</title><style>${STYLE}</style></head><body>
<h1>${text(title)}</h1><p class="quiet">${text(found.join(' · '))}</p>
${sections.join('\n')}
</body></html>
`;
}

function table(title: string, columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  if (rows.length === 0) return '';
  const head = columns.map((column) => `<th scope="col">${text(column)}</th>`).join('');
  const cell = (value: string | number): string =>
    typeof value === 'number' ? `<td class="number">${value.toFixed(3)}</td>` : `<td>${text(value).replaceAll('\n', '<br>')}</td>`;
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n');
  return `<h2>${text(title)}</h2><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
}

function text(value: string): string {
  return encode(value.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd'));
}
