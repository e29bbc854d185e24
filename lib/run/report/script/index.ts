/** The page's script. Without it, the page shows its first cards. */
import { CARD_SCRIPT } from './card-script';
import { ROWS_SCRIPT } from './rows-script';

/** Cards that are seen at once, and that stand in the page itself. */
export const PAGE_ROWS = 200;

const PAGE_SCRIPT = `
const PAGE_ROWS = ${PAGE_ROWS};
const byId = (id) => document.getElementById(id);
const page = JSON.parse(byId('rows').textContent);
const grid = byId('grid');
const written = [...grid.children];
const [search, sort, count, pager, before, after, number] =
  ['search', 'sort', 'count', 'pager', 'before', 'after', 'number'].map(byId);
const numberText = (value) => value.toLocaleString('en');
let found = page.rows.map((_, place) => place);
let at = 0;

function show() {
  const pages = Math.max(1, Math.ceil(found.length / PAGE_ROWS));
  const first = at * PAGE_ROWS;
  const places = found.slice(first, first + PAGE_ROWS);
  grid.replaceChildren(...places.map((place) => written[place] ?? card(page.rows[place], page.terms)));
  const all = numberText(page.rows.length);
  const range = numberText(first + 1) + '–' + numberText(first + places.length);
  const of = found.length < page.rows.length ? numberText(found.length) + ' found among ' + all : all;
  count.textContent = places.length ? range + ' of ' + of : 'Nothing found among ' + all;
  pager.hidden = pages === 1;
  before.disabled = at === 0;
  after.disabled = at === pages - 1;
  number.max = pages;
  number.value = at + 1;
  byId('pages').textContent = 'of ' + numberText(pages);
}

function find() {
  found = findRows(page, search.value, sort.value);
  at = 0;
  show();
}

function turn(to) {
  const last = Math.ceil(found.length / PAGE_ROWS) - 1;
  at = Math.min(Math.max(0, to || 0), Math.max(0, last));
  show();
  byId('pictures').focus({ preventScroll: true });
  byId('pictures').scrollIntoView();
}

async function copy(button) {
  const text = button.parentElement.querySelector('p');
  try {
    await navigator.clipboard.writeText(text.textContent);
  } catch {
    getSelection().selectAllChildren(text);
    if (!document.execCommand('copy')) return;
  }
  button.textContent = 'Copied';
  setTimeout(() => {
    button.textContent = 'Copy';
  }, 1500);
}

let waiting;
search.addEventListener('input', () => {
  clearTimeout(waiting);
  waiting = setTimeout(find, 150);
});
sort.addEventListener('change', find);
byId('controls').addEventListener('submit', (event) => event.preventDefault());
before.addEventListener('click', () => turn(at - 1));
after.addEventListener('click', () => turn(at + 1));
number.addEventListener('change', () => turn(number.value - 1));
grid.addEventListener('click', ({ target }) => {
  if (target.classList.contains('copy')) copy(target);
});
addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || /^(INPUT|SELECT)$/.test(event.target.tagName)) return;
  event.preventDefault();
  search.focus();
});
document.documentElement.classList.add('live');
byId('controls').hidden = false;
show();
`;

export const SCRIPT = `'use strict';\n${ROWS_SCRIPT}${CARD_SCRIPT}${PAGE_SCRIPT}`;
