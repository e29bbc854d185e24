/** The terms of a set's texts: which nearly all pictures have, and how they spread. */
import type { Coverage, Inspection } from './inspection';

/** From this share on a term is nearly all pictures'. */
const NEARLY_ALL = 0.8;
const MOST = 20;

export class TermCounts {
  private readonly counts = new Map<string, number>();
  private texts = 0;

  /** A text's parts, each once. */
  add(text: string): void {
    this.texts += 1;
    for (const term of new Set(text.split(', ').map((part) => part.trim().toLowerCase()))) {
      if (term !== '') this.counts.set(term, (this.counts.get(term) ?? 0) + 1);
    }
  }

  /** Of less than three pictures nothing is said. */
  get shared(): Inspection['shared'] {
    if (this.texts < 3) return [];
    return this.sorted.map(([term, count]) => ({ term, share: count / this.texts })).filter(({ share }) => share >= NEARLY_ALL);
  }

  get coverage(): Omit<Coverage, 'meanSimilarity'> {
    const { sorted } = this;
    const total = sorted.reduce((sum, [, count]) => sum + count, 0);
    const entropy = sorted.reduce((sum, [, count]) => sum - (count / total) * Math.log(count / total), 0);
    return {
      terms: sorted.length,
      effectiveTerms: total === 0 ? 0 : Math.exp(entropy),
      frequent: sorted.slice(0, MOST).map(([term, count]) => ({ term, count })),
      rare: sorted
        .filter(([, count]) => count === 1)
        .slice(0, MOST)
        .map(([term]) => term),
    };
  }

  /** The most frequent first. */
  private get sorted(): [string, number][] {
    return [...this.counts].sort(([a, some], [b, others]) => others - some || (a < b ? -1 : 1));
  }
}
