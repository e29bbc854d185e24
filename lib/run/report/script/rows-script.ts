/** The part of the page's script that finds and sorts rows. It knows no document. */

export const ROWS_SCRIPT = `
const names = new Intl.Collator('en', { numeric: true });

const ORDERS = {
  run: (a, b) => a - b,
  name: (a, b, rows) => names.compare(rows[a].name, rows[b].name) || a - b,
  best: (a, b, rows) => (rows[b].similarity ?? -2) - (rows[a].similarity ?? -2) || a - b,
  worst: (a, b, rows) => (rows[a].similarity ?? 2) - (rows[b].similarity ?? 2) || a - b,
};

/** Places of the rows that have every word of the query, in the order that is asked for. */
function findRows({ rows, terms }, query, order) {
  const words = query.toLowerCase().split(/\\s+/).filter(Boolean);
  const found = [];
  for (let place = 0; place < rows.length; place += 1) {
    const text = words.length ? textOf(rows[place], terms) : '';
    if (words.every((word) => text.includes(word))) found.push(place);
  }
  return found.sort((a, b) => ORDERS[order](a, b, rows));
}

function textOf({ name, texts = [], bars = [], error = [] }, terms) {
  const named = bars.filter((_, i) => i % 3 === 1).map((place) => terms[place]);
  return [name, ...texts.filter((_, i) => i % 2), ...named, ...error].join('\\n').toLowerCase();
}
`;
