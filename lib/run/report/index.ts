/** `--report FILE.html`: a run's pictures, prompts and failures on one page to look at, which asks nobody for anything. */
import type { Mode } from '../../api';
import { InterrogatorError } from '../../errors';
import { checkPlace, type RowKind, type Table } from '../outputs';
import { WholeFile } from '../outputs/whole-file';
import type { RunSummary } from '../progress';
import type { Row } from '../row';
import { cardHtml, endingHtml, Failures, failuresHtml, headingHtml, openingHtml, SimilarityHistogram, scriptJson } from './page';
import { type PageRow, PageTerms, pageRowOf } from './page-row';
import { PAGE_ROWS } from './script';
import { Thumbnails } from './thumbnails';

export interface ReportOptions {
  kind: RowKind;
}

export interface Report extends Table {
  /** `summary`: counts what rows do not show, pictures that were left out or whose sidecars could not be written. */
  finish(summary?: RunSummary): Promise<void>;
}

/** Rows that have all of their terms. */
const MOST_FULL_ROWS = 2000;
/** JSON of rows, in characters: browsers parse no text that is much longer than twice as many. */
const MOST_LISTED = 200e6;
/** Thumbnails that are made while the rows before them wait for theirs. */
const AHEAD = 1;
const TERMS_A_PIECE = 1000;

/** Rejects with ERR_INVALID_ARGUMENT for a name that no browser opens as a page, with ERR_IO for a place that takes no files. */
export async function checkReport(file: string): Promise<void> {
  checkReportName(file);
  await checkPlace(file);
}

/** Throws ERR_INVALID_ARGUMENT for a name that no browser opens as a page. */
export function checkReportName(file: string): void {
  if (!/\.html?$/i.test(file)) {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `report: ${file} is no name of a page.`, { hint: 'Name an .html file.' });
  }
}

/** Rejects with ERR_IO, as the report's methods do. */
export async function openReport(file: string, { kind }: ReportOptions): Promise<Report> {
  const whole = await WholeFile.create(file);
  const page = new ReportPage(whole, kind);
  await whole.write(openingHtml(kind));
  return page;
}

class ReportPage implements Report {
  private readonly thumbnails = new Thumbnails();
  private readonly terms = new PageTerms();
  private readonly histogram = new SimilarityHistogram();
  private readonly failures = new Failures();
  private readonly modes = new Set<Mode>();
  /** Of the first rows, which are seen without JavaScript. */
  private readonly cards: string[] = [];
  private waiting: { row: PageRow; thumbnail: Promise<string | undefined> }[] = [];
  private counts = { pictures: 0, failed: 0, listed: 0, characters: 0 };

  constructor(
    private readonly whole: WholeFile,
    private readonly kind: RowKind,
  ) {}

  async write(row: Row): Promise<void> {
    const { counts } = this;
    counts.pictures += 1;
    if (row.error) {
      counts.failed += 1;
      this.failures.add(row.name, row.error);
    }
    for (const { mode } of row.texts ?? []) this.modes.add(mode);
    const shown = pageRowOf(row, this.terms, { isBrief: counts.pictures > MOST_FULL_ROWS });
    if (shown.similarity !== undefined) this.histogram.add(shown.similarity);
    this.waiting.push({ row: shown, thumbnail: this.thumbnails.of(row) });
    if (this.waiting.length > AHEAD) await this.writeFirst();
  }

  async finish(summary?: RunSummary): Promise<void> {
    const { whole, terms, kind, counts, histogram, failures, modes } = this;
    while (this.waiting.length > 0) await this.writeFirst();
    await whole.write('],"terms":[');
    for (let at = 0; at < terms.list.length; at += TERMS_A_PIECE) {
      await whole.write((at > 0 ? ',' : '') + scriptJson(terms.list.slice(at, at + TERMS_A_PIECE)).slice(1, -1));
    }
    await whole.write(']}');
    const overview = histogram.html() + failuresHtml(summary?.failures ?? failures.list);
    const failed = summary?.failed ?? counts.failed;
    await whole.write(headingHtml(kind, { ...counts, failed, skipped: summary?.skipped ?? 0, modes: [...modes] }, overview));
    for (const card of this.cards) await whole.write(card);
    await whole.write(endingHtml());
    await whole.finish();
  }

  async abandon(): Promise<void> {
    this.thumbnails.abandon();
    await this.whole.abandon();
  }

  private async writeFirst(): Promise<void> {
    const { counts, cards, terms, whole } = this;
    const { row, thumbnail } = this.waiting.shift() as (typeof this.waiting)[number];
    const image = await thumbnail;
    if (counts.characters > MOST_LISTED) return;
    const shown = image === undefined ? row : { ...row, thumbnail: image };
    const isCard = cards.length < PAGE_ROWS;
    if (isCard) cards.push(cardHtml(shown, terms.list));
    // The card has the thumbnail already.
    const json = scriptJson(isCard ? row : shown);
    await whole.write(`${counts.listed > 0 ? ',' : ''}\n${json}`);
    counts.listed += 1;
    counts.characters += json.length;
  }
}
