/** How the pictures of a set spread over the parts of their texts. */

import type { PictureLine } from '../ledger/line';
import { Turns } from '../turns';
import { folded } from '../words/patterns';
import { First, rounded } from './first';
import type { Inspection, TermShare } from './inspection';

/** Terms that so many of the pictures share say nothing of any of them. */
const NEARLY_ALL = 0.8;
const AT_ONCE = 256;

/** Where terms are from: the texts that runs made, the captions that these begin from, the text files beside the pictures. */
export type TermSource = 'texts' | 'captions' | 'sidecars';

/** Terms of one picture, each once. */
export type PictureTerms = Partial<Record<TermSource, ReadonlySet<string>>>;

/** Parts of a text between commas, without regard to case and blanks. */
export function partsOf(text: string): Set<string> {
  return new Set(text.split(',').map(folded).filter(Boolean));
}

/** `settings`: what the keys of results mean. Negative texts are of what the picture does not show. */
export function termsOf({ results = {} }: PictureLine, settings: ReadonlyMap<string, unknown>): PictureTerms {
  const texts = new Set<string>();
  const captions = new Set<string>();
  for (const [key, { text }] of Object.entries(results)) {
    const { task, captionText } = Object(settings.get(key)) as { task?: unknown; captionText?: unknown };
    if (text === undefined || task === 'negative') continue;
    for (const part of partsOf(text)) (task === 'caption' ? captions : texts).add(part);
    if (typeof captionText === 'string') for (const part of partsOf(captionText)) captions.add(part);
  }
  for (const part of captions) texts.delete(part);
  return { ...(texts.size > 0 && { texts }), ...(captions.size > 0 && { captions }) };
}

class TermCount {
  readonly counts = new Map<string, number>();
  pictures = 0;

  add(terms: ReadonlySet<string>): void {
    if (terms.size === 0) return;
    this.pictures += 1;
    for (const term of terms) this.counts.set(term, (this.counts.get(term) ?? 0) + 1);
  }
}

export class TermCounts {
  private readonly sources: Readonly<Record<TermSource, TermCount>> = {
    texts: new TermCount(),
    captions: new TermCount(),
    sidecars: new TermCount(),
  };

  add(terms: PictureTerms): void {
    for (const [source, own] of Object.entries(terms)) this.sources[source as TermSource].add(own);
  }

  /** Of the first source that there is anything from. `most`: entries of its lists. */
  async summary(most: number): Promise<{ terms: Inspection['terms']; effectiveTerms: number | null }> {
    const { texts, captions, sidecars } = this.sources;
    const [of, chosen] = texts.pictures > 0 ? ['texts', texts] : captions.pictures > 0 ? ['captions', captions] : ['sidecars', sidecars];
    const { counts, pictures } = chosen as TermCount;
    if (pictures === 0) {
      const empty = { of: null, pictures: 0, distinct: 0, shared: [], common: [], rare: [], single: 0 };
      return { terms: empty, effectiveTerms: null };
    }
    const common = new First<TermShare>(most, byFrequency);
    const shared = new First<TermShare>(most, byFrequency);
    const rare = new First<TermShare>(most, (a, b) => a.pictures - b.pictures || byName(a, b));
    const turns = new Turns();
    let [single, total, logs, passed] = [0, 0, 0, 0];
    for (const [term, count] of counts) {
      const entry = { term, pictures: count, share: rounded(count / pictures) };
      common.add(entry);
      rare.add(entry);
      // Of a single picture all terms are in all pictures.
      if (pictures > 1 && count >= NEARLY_ALL * pictures) shared.add(entry);
      if (count === 1) single += 1;
      total += count;
      logs += count * Math.log(count);
      passed += 1;
      if (passed % AT_ONCE === 0) await turns.pass();
    }
    const terms = {
      of: of as TermSource,
      pictures,
      distinct: counts.size,
      shared: shared.entries,
      common: common.entries,
      rare: rare.entries,
      single,
    };
    // The entropy of counts c of n altogether is log n - Σ c·log c / n.
    return { terms, effectiveTerms: rounded(Math.exp(Math.log(total) - logs / total)) };
  }
}

function byFrequency(a: TermShare, b: TermShare): number {
  return b.pictures - a.pictures || byName(a, b);
}

function byName(a: TermShare, b: TermShare): number {
  return a.term < b.term ? -1 : a.term > b.term ? 1 : 0;
}
