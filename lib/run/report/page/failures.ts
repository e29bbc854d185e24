/** What went wrong, by cause, and what to do. */
import type { FailureGroup } from '../../progress';
import type { RowError } from '../../row';
import { countOf, countText, escapeHtml } from './html';

const EXAMPLES = 10;

/** Failures of the rows, where nobody has counted them. */
export class Failures {
  private readonly groups = new Map<
    string,
    { count: number; code: string; hint?: string; examples: { name: string; error: RowError }[] }
  >();

  add(name: string, error: RowError): void {
    const { code, hint } = error;
    const cause = `${code}\n${hint ?? ''}`;
    const group = this.groups.get(cause) ?? { code, ...(hint !== undefined && { hint }), count: 0, examples: [] };
    this.groups.set(cause, group);
    group.count += 1;
    if (group.examples.length < EXAMPLES) group.examples.push({ name, error });
  }

  /** Most frequent first. */
  get list(): FailureGroup[] {
    return [...this.groups.values()].sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
  }
}

/** Empty where nothing failed. */
export function failuresHtml(groups: readonly FailureGroup[]): string {
  if (groups.length === 0) return '';
  return `<section aria-labelledby="failures"><h2 id="failures">What went wrong</h2><ul class="causes">${groups.map(groupHtml).join('')}</ul></section>\n`;
}

function groupHtml({ code, hint, count, examples }: FailureGroup): string {
  const lines = examples.map(({ name, error }) => `<li>${escapeHtml(name)}: ${escapeHtml(error.message)}</li>`);
  const more = count > examples.length ? `<li>and ${countText(count - examples.length)} more</li>` : '';
  return [
    `<li><h3><span>${escapeHtml(code)}</span><span>${countOf(count, 'picture')}</span></h3>`,
    hint === undefined ? '' : `<p>${escapeHtml(hint)}</p>`,
    `<details><summary>Which</summary><ul>${lines.join('')}${more}</ul></details></li>`,
  ].join('');
}
