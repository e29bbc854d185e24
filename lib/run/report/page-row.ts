/** What the page shows of a picture. The page's script reads the same from JSON. */
import type { RankedLabel } from '../../api';
import type { Row, RowText } from '../row';

/** What a bar is of. The first five are tables of terms. */
export const BAR_KINDS = ['Medium', 'Artist', 'Trending', 'Movement', 'Flavor', 'Label', 'Label'] as const;
const TABLES = ['mediums', 'artists', 'trendings', 'movements', 'flavors'] as const;
const LABEL = 5;
/** Its scores are probabilities. */
export const PROBABILITY = 6;

/** Bars of a table and of a ranking that a card has at the most. */
const MOST_TERMS = 10;
const MOST_LABELS = 20;
/** Labels that are seen at once. Of a table that is the best term. */
const LEADING_LABELS = 5;

export interface PageRow {
  name: string;
  /** `512 × 384` */
  size?: string;
  truncated?: true;
  /** Of the first text, or of the best label, to 4 decimals. */
  similarity?: number;
  /** Heading and text in turn. */
  texts?: string[];
  /** In turn: the place in BAR_KINDS, the place in the page's list of terms, the score to 4 decimals. */
  bars?: number[];
  /** So many bars are seen at once. */
  lead?: number;
  /** Code, message and, where there is one, hint. */
  error?: string[];
  /** A data: URL. */
  thumbnail?: string;
}

/** The terms of all bars, each once: there are many more bars than terms. */
export class PageTerms {
  readonly list: string[] = [];
  private readonly places = new Map<string, number>();

  placeOf(term: string): number {
    const known = this.places.get(term);
    if (known !== undefined) return known;
    this.places.set(term, this.list.length);
    return this.list.push(term) - 1;
  }
}

/** `isBrief`: one of very many pictures, which shows the best of its terms alone. */
export function pageRowOf(row: Row, terms: PageTerms, { isBrief }: { isBrief: boolean }): PageRow {
  const { name, texts, caption, ranked, width, height, truncated, error } = row;
  const similarity = (texts ?? ranked)?.[0]?.similarity;
  const { lead, rest } = barsOf(row, terms);
  const bars = isBrief ? lead : [...lead, ...rest];
  return {
    name,
    ...(width !== undefined && height !== undefined && { size: `${width} × ${height}` }),
    ...(truncated && { truncated }),
    ...(similarity !== undefined && { similarity: rounded(similarity) }),
    ...((texts || caption !== undefined) && { texts: textsOf(texts ?? [], caption) }),
    ...(bars.length > 0 && { bars: bars.flat(), lead: lead.length }),
    ...(error && { error: [error.code, error.message, ...(error.hint === undefined ? [] : [error.hint])] }),
  };
}

/** The words that stand over a text. */
function textsOf(texts: readonly RowText[], caption: string | undefined): string[] {
  const prompts = texts.filter(({ mode }) => mode !== 'negative' && mode !== 'caption').length;
  const headed = texts.flatMap(({ mode, text }) => {
    if (mode === 'negative') return ['Negative prompt', text];
    if (mode === 'caption') return ['Caption', text];
    return [prompts > 1 ? `Prompt, ${mode}` : 'Prompt', text];
  });
  const hasCaption = caption === undefined || texts.some(({ mode }) => mode === 'caption');
  return hasCaption ? headed : [...headed, 'Caption', caption];
}

type Bar = [kind: number, term: number, score: number];

function barsOf({ terms: tables = {}, ranked = [] }: Row, terms: PageTerms): { lead: Bar[]; rest: Bar[] } {
  const barOf =
    (kind: number) =>
    ({ label, similarity, probability }: RankedLabel): Bar => {
      if (probability === undefined) return [kind, terms.placeOf(label), rounded(similarity)];
      return [PROBABILITY, terms.placeOf(label), rounded(probability)];
    };
  const labels = ranked.slice(0, MOST_LABELS).map(barOf(LABEL));
  const groups = TABLES.map((table, kind) => (tables[table] ?? []).slice(0, MOST_TERMS).map(barOf(kind)));
  return {
    lead: [...groups.flatMap((group) => group.slice(0, 1)), ...labels.slice(0, LEADING_LABELS)],
    rest: [...groups.flatMap((group) => group.slice(1)), ...labels.slice(LEADING_LABELS)],
  };
}

function rounded(score: number): number {
  return Math.round(score * 1e4) / 1e4;
}
