/** An inspection as a page to look at: one file that asks for nothing from elsewhere. */
import { writeWhole } from '../../outputs/whole-file';
import { checkReport } from '../../report';
import type { Inspection } from '../inspection';
import { type InspectionTable, inspectionTables } from './tables';

const MOST = 100;

/** Writes an .html file, whole. Rejects with ERR_INVALID_ARGUMENT for another name, and with ERR_IO. */
export async function writeInspection(file: string, inspection: Inspection): Promise<void> {
  await checkReport(file);
  await writeWhole(file, inspectionPage(inspection));
}

export function inspectionPage(inspection: Inspection): string {
  const title = escaped(`Inspection of ${inspection.folder}`);
  const body = inspectionTables(inspection, MOST).map(section).join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${title}</h1>
${body}
</body>
</html>
`;
}

function section({ title, note, columns, rows, more }: InspectionTable): string {
  const kind = (place: number): string => (columns[place]?.isNumber ? ' class="number"' : '');
  const heads = columns.map((column, i) => `<th scope="col"${kind(i)}>${escaped(column.title)}</th>`).join('');
  const lines = rows.map((row) => `<tr>${row.map((cell, i) => `<td${kind(i)}>${escaped(cell)}</td>`).join('')}</tr>`);
  const head = columns.some((column) => column.title !== '') ? `<thead><tr>${heads}</tr></thead>\n` : '';
  const table = `<table>\n${head}<tbody>\n${lines.join('\n')}\n</tbody>\n</table>`;
  return [
    `<section>\n<h2>${escaped(title)}</h2>\n<p>${escaped(note)}</p>`,
    ...(rows.length > 0 ? [table] : []),
    ...(more > 0 ? [`<p>And ${more} more.</p>`] : []),
    '</section>',
  ].join('\n');
}

/** Names of files and captions are anybody's. */
function escaped(text: string): string {
  const { encode } = require('html-entities') as typeof import('html-entities');
  return encode(text);
}

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 0; }
p { margin: 0.25rem 0 0.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.2rem 1rem 0.2rem 0; border-bottom: 1px solid #8884; overflow-wrap: anywhere; }
.number { text-align: right; white-space: nowrap; width: 1%; font-variant-numeric: tabular-nums; }
`;
