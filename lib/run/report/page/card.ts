/** A picture's card. The page's script makes the same of the same row (card-script.ts). */
import { BAR_KINDS, type PageRow, PROBABILITY } from '../page-row';
import { escapeHtml } from './html';

/** `terms`: what the row's bars name by their places. */
export function cardHtml(row: PageRow, terms: readonly string[]): string {
  const { name, error, thumbnail } = row;
  const isLoaded = thumbnail !== undefined;
  return [
    `<li class="card${error ? ' failed' : ''}">`,
    isLoaded ? `<div class="mat"><img src="${escapeHtml(thumbnail)}" alt="" loading="lazy"></div>` : '',
    `<h3>${escapeHtml(name)}</h3>`,
    factsHtml(row),
    textsHtml(row),
    barsHtml(row, terms),
    error ? errorHtml(error) : '',
    '</li>\n',
  ].join('');
}

function factsHtml({ size, truncated, similarity }: PageRow): string {
  const facts = [size, similarity !== undefined && `similarity ${similarity.toFixed(3)}`, truncated && 'its file ends too early'];
  const found = facts.filter((fact) => typeof fact === 'string');
  return found.length === 0 ? '' : `<p class="facts">${found.map((fact) => `<span>${fact}</span>`).join('')}</p>`;
}

function textsHtml({ name, texts = [] }: PageRow): string {
  let html = '';
  for (let i = 0; i < texts.length; i += 2) {
    const [heading, text] = [texts[i] as string, texts[i + 1] as string];
    const label = escapeHtml(`Copy: ${heading} of ${name}`);
    html += `<div class="text${i === 0 ? ' first' : ''}"><h4>${escapeHtml(heading)}</h4>`;
    html += `<button type="button" class="copy" aria-label="${label}">Copy</button><p>${escapeHtml(text)}</p></div>`;
  }
  return html;
}

function barsHtml({ bars = [], lead = 0 }: PageRow, terms: readonly string[]): string {
  if (bars.length === 0) return '';
  const best = Math.max(...bars.filter((_, i) => i % 3 === 2), 1e-9);
  const lines: string[] = [];
  for (let i = 0; i < bars.length; i += 3) {
    const [kind, term, score] = bars.slice(i, i + 3) as [number, number, number];
    const shown = kind === PROBABILITY ? `${(100 * score).toFixed(1)} %` : score.toFixed(3);
    lines.push(
      `<li><span class="kind">${BAR_KINDS[kind]}</span><span class="term">${escapeHtml(terms[term] as string)}</span>`,
      `<span class="score">${shown}</span><span class="bar"><span class="w${Math.max(0, Math.round((100 * score) / best))}"></span></span></li>`,
    );
  }
  const seen = `<ul class="bars">${lines.slice(0, 2 * lead).join('')}</ul>`;
  const more = lines.slice(2 * lead).join('');
  return more === '' ? seen : `${seen}<details><summary>More terms</summary><ul class="bars">${more}</ul></details>`;
}

function errorHtml(error: readonly string[]): string {
  const [code = '', message = '', hint] = error.map(escapeHtml);
  return `<div class="error"><h4>${code}</h4><p>${message}</p>${hint === undefined ? '' : `<p class="hint">${hint}</p>`}</div>`;
}
