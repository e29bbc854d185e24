/** Tables in lines for a terminal. */
import { onOneLine } from '../lines';

export interface TextTable {
  title: string;
  note: string;
  columns: readonly { title: string; isNumber: boolean }[];
  rows: readonly (readonly string[])[];
  /** Rows that were left out. */
  more: number;
}

const GAP = '  ';
const INDENT = '  ';
const ELLIPSIS = '…';

/**
 * Lines of at most `columns`, and an empty one at the end. Numbers are at the right of their columns and never cut; texts share what is
 * left, and the last one has no end of its own.
 */
export function tableLines({ title, note, columns: heads, rows, more }: TextTable, columns: number): string[] {
  const lines = [title, ...wrapped(note, columns - INDENT.length).map((line) => INDENT + line)];
  if (rows.length > 0) {
    const cells = [heads.map((head) => head.title), ...rows.map((row) => row.map(onOneLine))];
    const shown = heads.every((head) => head.title === '') ? cells.slice(1) : cells;
    const widths = widthsOf(shown, heads, columns - INDENT.length - GAP.length * (heads.length - 1));
    for (const row of shown) {
      const texts = row.map((cell, i) => fitted(cell, widths[i] as number, heads[i]?.isNumber === true));
      lines.push((INDENT + texts.join(GAP)).trimEnd());
    }
  }
  if (more > 0) lines.push(`${INDENT}and ${more.toLocaleString('en-US')} more`);
  return [...lines, ''];
}

/** Each column as wide as its widest cell; where that is too much, texts have equal shares, and what one leaves is the next one's. */
function widthsOf(rows: readonly (readonly string[])[], heads: TextTable['columns'], room: number): number[] {
  const wide = heads.map((_, place) => Math.max(...rows.map((row) => widthOf(row[place] ?? ''))));
  let left = room - sum(wide.filter((_, place) => heads[place]?.isNumber));
  let texts = heads.filter(({ isNumber }) => !isNumber).length;
  return wide.map((width, place) => {
    if (heads[place]?.isNumber) return width;
    const rest = sum(wide.filter((_, other) => other > place && !heads[other]?.isNumber));
    const own = Math.max(1, Math.min(width, Math.max(Math.floor(left / texts), left - rest)));
    left -= own;
    texts -= 1;
    return own;
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}

function fitted(text: string, width: number, isNumber: boolean): string {
  const own = cut(text, width);
  const blanks = ' '.repeat(Math.max(0, width - widthOf(own)));
  return isNumber ? blanks + own : own + blanks;
}

/** With its end replaced by an ellipsis where it is too long. */
function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let begun = '';
  let taken = 0;
  for (const { segment } of graphemes().segment(text)) {
    taken += widthOf(segment);
    if (taken > width - 1) break;
    begun += segment;
  }
  return begun + ELLIPSIS;
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = lines.length > 0 ? `${lines[lines.length - 1]} ${word}` : word;
    if (lines.length > 0 && widthOf(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** Columns of a terminal: letters of East Asian scripts and emoji take two. */
function widthOf(text: string): number {
  const stringWidth = require('string-width') as typeof import('string-width');
  return stringWidth(text);
}

let segmenter: Intl.Segmenter | undefined;

function graphemes(): Intl.Segmenter {
  segmenter ??= new Intl.Segmenter();
  return segmenter;
}
