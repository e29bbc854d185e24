/** The part of the page's script that makes cards: of a row the same as cardHtml(). Texts never become markup. */
import { BAR_KINDS, PROBABILITY } from '../page-row';

export const CARD_SCRIPT = `
const KINDS = ${JSON.stringify(BAR_KINDS)};

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

function card(row, terms) {
  return element(
    'li',
    { class: row.error ? 'card failed' : 'card' },
    row.thumbnail && element('div', { class: 'mat' }, element('img', { src: row.thumbnail, alt: '', loading: 'lazy' })),
    element('h3', {}, row.name),
    facts(row),
    ...texts(row),
    ...bars(row, terms),
    row.error && failure(row.error),
  );
}

function facts({ size, similarity, truncated }) {
  const found = [];
  if (size) found.push(size);
  if (similarity !== undefined) found.push('similarity ' + similarity.toFixed(3));
  if (truncated) found.push('its file ends too early');
  if (found.length) return element('p', { class: 'facts' }, ...found.map((fact) => element('span', {}, fact)));
}

function texts({ name, texts = [] }) {
  const made = [];
  for (let i = 0; i < texts.length; i += 2) {
    const label = 'Copy: ' + texts[i] + ' of ' + name;
    const copy = element('button', { type: 'button', class: 'copy', 'aria-label': label }, 'Copy');
    made.push(element('div', { class: i ? 'text' : 'text first' }, element('h4', {}, texts[i]), copy, element('p', {}, texts[i + 1])));
  }
  return made;
}

function bars({ bars = [], lead = 0 }, terms) {
  if (!bars.length) return [];
  const best = Math.max(...bars.filter((_, i) => i % 3 === 2), 1e-9);
  const lines = [];
  for (let i = 0; i < bars.length; i += 3) {
    const score = bars[i + 2];
    const shown = bars[i] === ${PROBABILITY} ? (100 * score).toFixed(1) + ' %' : score.toFixed(3);
    const width = element('span', { class: 'w' + Math.max(0, Math.round((100 * score) / best)) });
    lines.push(
      element(
        'li',
        {},
        element('span', { class: 'kind' }, KINDS[bars[i]]),
        element('span', { class: 'term' }, terms[bars[i + 1]]),
        element('span', { class: 'score' }, shown),
        element('span', { class: 'bar' }, width),
      ),
    );
  }
  const seen = element('ul', { class: 'bars' }, ...lines.slice(0, lead));
  if (lines.length === lead) return [seen];
  const more = element('ul', { class: 'bars' }, ...lines.slice(lead));
  return [seen, element('details', {}, element('summary', {}, 'More terms'), more)];
}

function failure([code, message, hint]) {
  const what = [element('h4', {}, code), element('p', {}, message)];
  if (hint !== undefined) what.push(element('p', { class: 'hint' }, hint));
  return element('div', { class: 'error' }, ...what);
}
`;
