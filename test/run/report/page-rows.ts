/** Rows for tests of the page. */
import type { Row, TermScores } from '../../../lib/run/row';
import type { Random } from '../../fuzz/support/random';

/** What must not get out of its element. */
export const HOSTILE = [
  '</script><img src=x onerror=alert(1)>',
  '<!--<script>',
  "\"><b>'bold'</b> & &amp; &lt;",
  'two\nlines\tand a tab',
  'é 木 🎨',
  ']]>',
  '{{template}} `code`',
  '</li></ol></main>',
];

export function randomText(random: Random): string {
  return Array.from({ length: 1 + random.below(4) }, () => random.pick(HOSTILE)).join(' ');
}

/** An interrogated, a ranked or a failed picture. */
export function randomRow(random: Random): Row {
  const name = randomText(random);
  const score = (): number => Math.round((random.next() * 2 - 1) * 1e6) / 1e6;
  const terms = (count: number) => Array.from({ length: count }, () => ({ label: randomText(random), similarity: score() }));
  const size = { width: 1 + random.below(5000), height: 1 + random.below(5000) };
  switch (random.below(5)) {
    case 0:
      return { name, error: { code: 'ERR_IO', message: randomText(random), ...(random.below(2) && { hint: randomText(random) }) } };
    case 1:
      return { name, ...size, ranked: terms(1 + random.below(25)) };
    case 2:
      return { name, ...size, ranked: terms(1 + random.below(8)).map((label) => ({ ...label, probability: Math.abs(label.similarity) })) };
    case 3:
      return { name, ...size, features: new Float32Array(4) };
    default: {
      const modes = random.pick([['fast'], ['negative'], ['fast', 'negative'], ['best', 'fast', 'caption']] as const);
      const texts = modes.map((mode) => ({ mode, text: randomText(random), original: 'x', similarity: score() }));
      const tables: TermScores = { mediums: terms(5), artists: terms(1), flavors: terms(12) };
      return {
        name,
        ...size,
        texts,
        ...(random.below(2) && { caption: randomText(random) }),
        ...(random.below(2) && { terms: tables }),
        ...(random.below(2) && { truncated: true }),
      };
    }
  }
}
