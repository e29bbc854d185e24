/** Text within HTML. */
import type * as Entities from 'html-entities';

/** Loaded when the first page is written. */
function entities(): typeof Entities {
  return require('html-entities') as typeof Entities;
}

/** For elements and for attributes in double quotes. A parser would make line ends of carriage returns, and drops NULs. */
export function escapeHtml(text: string): string {
  return entities().encode(text).replaceAll('\r', '&#13;').replaceAll('\0', '\ufffd');
}

/** `1,234` */
export function countText(count: number): string {
  return count.toLocaleString('en');
}

/** `1 picture`, `1,234 pictures` */
export function countOf(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** JSON within a script element, which no text can end. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
