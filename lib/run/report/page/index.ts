/** The page around the rows. The rows come first, in a script element that is no script, so that they can be written as they come. */
import { createHash } from 'node:crypto';
import type { Mode } from '../../../api';
import type { RowKind } from '../../outputs';
import { PAGE_ROWS, SCRIPT } from '../script';
import { countOf, countText, escapeHtml } from './html';
import { STYLE } from './style';

export { cardHtml } from './card';
export { Failures, failuresHtml } from './failures';
export { SimilarityHistogram } from './histogram';
export { scriptJson } from './html';

const TITLES: Readonly<Record<RowKind, string>> = {
  interrogate: 'Pictures and their prompts',
  rank: 'Pictures and their labels',
  features: 'Pictures',
};

export interface PageCounts {
  pictures: number;
  failed: number;
  /** Left out, because they had what was to be written. */
  skipped: number;
  /** Rows that the page has. */
  listed: number;
  /** Of the texts. */
  modes: readonly Mode[];
}

/** Up to the JSON of the first row. */
export function openingHtml(kind: RowKind): string {
  const policy = `default-src 'none'; img-src data:; style-src ${hashOf(STYLE)}; script-src ${hashOf(SCRIPT)}; base-uri 'none'; form-action 'none'`;
  return [
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">\n`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n',
    '<meta name="referrer" content="no-referrer">\n<meta name="generator" content="torch-interrogator">\n<link rel="icon" href="data:,">\n',
    `<title>${TITLES[kind]}</title>\n<style>${STYLE}</style>\n<script type="application/json" id="rows">{"rows":[`,
  ].join('');
}

/** From the end of the JSON to the first card. `overview`: what is seen before the pictures. */
export function headingHtml(kind: RowKind, counts: PageCounts, overview: string): string {
  return [
    `</script>\n</head>\n<body>\n<header><h1>${TITLES[kind]}</h1>${figuresHtml(counts)}</header>\n<main>\n`,
    overview === '' ? '' : `<div class="overview">\n${overview}</div>\n`,
    '<h2 id="pictures" tabindex="-1">Pictures</h2>\n<form id="controls" role="search" hidden><div class="bar-of-controls">',
    '<label class="search">Search <input type="search" id="search" autocomplete="off" aria-keyshortcuts="/"></label>',
    `<label>Sort <select id="sort"><option value="run">as they came</option><option value="name">by name</option>${kind === 'features' ? '' : SIMILAR}</select></label>`,
    '</div></form>\n',
    `<p id="count" role="status">${countText(Math.min(counts.listed, PAGE_ROWS))} of ${countText(counts.listed)}</p>\n`,
    notesHtml(counts),
    '<ol id="grid">\n',
  ].join('');
}

const SIMILAR = '<option value="best">most similar first</option><option value="worst">least similar first</option>';

export function endingHtml(): string {
  return [
    '</ol>\n<nav id="pager" aria-label="Pages" hidden><button type="button" id="before">Previous</button>',
    '<label>Page <input type="number" id="number" min="1" value="1"> <span id="pages"></span></label>',
    `<button type="button" id="after">Next</button></nav>\n</main>\n<script>${SCRIPT}</script>\n</body>\n</html>\n`,
  ].join('');
}

function figuresHtml({ pictures, failed, skipped, modes }: PageCounts): string {
  const figures = [
    [pictures === 1 ? 'picture' : 'pictures', countText(pictures)],
    ['done', countText(pictures - failed)],
    ['failed', countText(failed)],
    ...(skipped > 0 ? [['skipped', countText(skipped)]] : []),
    ...(modes.length > 0 ? [[modes.length === 1 ? 'mode' : 'modes', escapeHtml(modes.join(', '))]] : []),
  ];
  return `<dl class="figures">${figures.map(([name, figure]) => `<div><dt>${name}</dt><dd>${figure}</dd></div>`).join('')}</dl>`;
}

function notesHtml({ pictures, listed }: PageCounts): string {
  const rest =
    listed < pictures ? `<p class="note">The first ${countOf(listed, 'picture')} are listed here: a page has no room for more.</p>\n` : '';
  if (listed <= PAGE_ROWS) return rest;
  return `${rest}<noscript><p class="note">The first ${PAGE_ROWS} are shown. The others, the search and sorting need JavaScript.</p></noscript>\n`;
}

/** Of what stands in the element, to the byte. */
function hashOf(content: string): string {
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
}
