/** How often each similarity came, counted in thousandths, and drawn in bars. */
import { countOf, countText } from './html';

/** Widths of a bar in thousandths; as many bars as there may be. */
const WIDTHS = [1, 2, 5, 10, 20, 50, 100];
const MOST_BARS = 40;
/** Of the drawing, which is stretched. */
const HEIGHT = 100;
const GAP = 0.12;

export class SimilarityHistogram {
  /** Of -1 to 1. */
  private readonly counts = new Float64Array(2001);
  private total = 0;

  add(similarity: number): void {
    const place = Math.round((similarity + 1) * 1000);
    if (!(place >= 0 && place < this.counts.length)) return;
    this.counts[place] = (this.counts[place] as number) + 1;
    this.total += 1;
  }

  /** Empty for less than two pictures. */
  html(): string {
    if (this.total < 2) return '';
    const first = this.counts.findIndex((count) => count > 0);
    const last = this.counts.findLastIndex((count) => count > 0);
    const width = WIDTHS.find((each) => (last - first) / each < MOST_BARS - 1) ?? 100;
    const from = Math.floor(first / width) * width;
    const bars: number[] = [];
    for (let place = from; place <= last; place += width)
      bars.push(this.counts.slice(place, place + width).reduce((sum, count) => sum + count, 0));
    const to = from + bars.length * width;
    const range = `from ${similarityText(first)} to ${similarityText(last)}`;
    const median = `median ${similarityText(this.median())}`;
    return [
      '<section aria-labelledby="similarities"><h2 id="similarities">Similarity</h2><figure>',
      `<svg class="histogram" role="img" aria-label="Histogram of similarities, ${range}, ${median}" viewBox="0 0 ${bars.length} ${HEIGHT}" preserveAspectRatio="none">`,
      ...bars.map((count, i) => barSvg(count, i, Math.max(...bars), from + i * width, width)),
      '</svg>',
      `<div class="scale" aria-hidden="true"><span>${similarityText(from)}</span><span>${similarityText((from + to) / 2)}</span><span>${similarityText(to)}</span></div>`,
      `<figcaption>Of ${countOf(this.total, 'picture')}: ${median}, ${range}.</figcaption></figure></section>\n`,
    ].join('');
  }

  private median(): number {
    let seen = 0;
    return this.counts.findIndex((count) => {
      seen += count;
      return 2 * seen >= this.total;
    });
  }
}

function barSvg(count: number, place: number, most: number, from: number, width: number): string {
  if (count === 0) return '';
  // One picture among very many is seen, too.
  const height = Math.max(1, Math.round((HEIGHT * 10 * count) / most) / 10);
  const title = `${similarityText(from)} to ${similarityText(from + width)}: ${countText(count)}`;
  return `<rect x="${place + GAP / 2}" y="${(HEIGHT - height).toFixed(1)}" width="${1 - GAP}" height="${height}"><title>${title}</title></rect>`;
}

function similarityText(place: number): string {
  return ((place - 1000) / 1000).toFixed(3);
}
