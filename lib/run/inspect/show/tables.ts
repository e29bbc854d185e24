/** An inspection as tables for people: the same on a terminal and on a page. */
import type { Inspection, TermShare } from '../inspection';

export interface InspectionTable {
  title: string;
  /** What it is about and what came of it, in a sentence or two. */
  note: string;
  columns: readonly { title: string; isNumber: boolean }[];
  /** The cells of each row: what is no number is a name or a text of whatever length and characters. */
  rows: readonly (readonly string[])[];
  /** Groups and shared terms that were left out behind these; 0 for tables that only show one end of an order. */
  more: number;
}

/** `most`: rows of each table, and pictures of each group, 1 and up. */
export function inspectionTables(inspection: Inspection, most: number): InspectionTable[] {
  return [
    picturesTable(inspection),
    duplicatesTable(inspection, most),
    nearDuplicatesTable(inspection, most),
    outliersTable(inspection, most),
    captionsTable(inspection, most),
    ...termTables(inspection, most),
  ];
}

const number = (title: string) => ({ title, isNumber: true });
const text = (title: string) => ({ title, isNumber: false });
const count = (value: number): string => value.toLocaleString('en-US');
const pictures = (value: number): string => `${count(value)} ${value === 1 ? 'picture' : 'pictures'}`;
const similarity = (value: number): string => value.toFixed(4);
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const sentences = (parts: readonly (string | false)[]): string => parts.filter(Boolean).join(' ');

function limited<T>(entries: readonly T[], most: number, toRow: (entry: T) => string[]): Pick<InspectionTable, 'rows' | 'more'> {
  return { rows: entries.slice(0, most).map(toRow), more: Math.max(0, entries.length - most) };
}

/** One end of an order. */
function endOf<T>(entries: readonly T[], most: number, toRow: (entry: T) => string[]): Pick<InspectionTable, 'rows' | 'more'> {
  return { rows: entries.slice(0, most).map(toRow), more: 0 };
}

function picturesTable({ pictures: of, clipModel, coverage }: Inspection): InspectionTable {
  const rows = [
    [count(of.inspected), `inspected, of ${count(of.contents)} different contents`],
    of.gone > 0 && [count(of.gone), 'gone, or could not be read: left out'],
    of.changed > 0 && [count(of.changed), 'changed since they were read: run again for their new content'],
    of.withoutFeatures > 0 && [count(of.withoutFeatures), 'without features of this model: left out'],
    coverage.meanSimilarity !== null && [similarity(coverage.meanSimilarity), 'mean similarity of two contents'],
  ].filter((row) => row !== false);
  return { title: 'Pictures', note: `Features of ${clipModel}.`, columns: [number(''), text('')], rows, more: 0 };
}

function duplicatesTable({ duplicates }: Inspection, most: number): InspectionTable {
  const surplus = duplicates.reduce((sum, group) => sum + group.pictures.length - 1, 0);
  return {
    title: 'Duplicates',
    note: duplicates.length > 0 ? `The same content, byte for byte: ${pictures(surplus)} could go.` : 'No two files are the same.',
    columns: [number('pictures'), text('names')],
    ...limited(duplicates, most, (group) => [count(group.pictures.length), names(group.pictures, most)]),
  };
}

function nearDuplicatesTable({ nearDuplicates: { threshold, groups } }: Inspection, most: number): InspectionTable {
  const what = `a similarity of ${threshold} or more`;
  return {
    title: 'Near duplicates',
    note:
      groups.length > 0 ? `Different files that look the same: groups whose pictures have ${what} to another one.` : `No two with ${what}.`,
    columns: [number('pictures'), number('similarity'), text('names')],
    ...limited(groups, most, (group) => [count(group.pictures.length), similarity(group.similarity), names(group.pictures, most)]),
  };
}

function outliersTable({ outliers: { mean, deviation, pictures: worst } }: Inspection, most: number): InspectionTable {
  return {
    title: 'Unlike all others',
    note: mean === null ? 'There is nothing to compare with.' : `Similarity to the most similar other picture: ${spread(mean, deviation)}.`,
    columns: [number('similarity'), number('deviations'), text('picture'), text('nearest')],
    ...endOf(worst, most, (each) => [similarity(each.similarity), below(each.deviations), each.image, each.nearest]),
  };
}

function captionsTable({ captions }: Inspection, most: number): InspectionTable {
  const { extension, scored, missing, empty, mean, deviation, worst } = captions;
  const note = sentences([
    mean === null
      ? `No picture has a ${extension} file with a text.`
      : `Texts of ${extension} files against their pictures: ${spread(mean, deviation)}.`,
    scored > 0 && missing > 0 && `${pictures(missing)} without such a file.`,
    empty > 0 && `${pictures(empty)} with an empty one.`,
  ]);
  return {
    title: 'Captions that fit badly',
    note,
    columns: [number('similarity'), number('deviations'), text('picture'), text('caption')],
    ...endOf(worst, most, (each) => [similarity(each.similarity), below(each.deviations), each.image, each.caption]),
  };
}

const SOURCES = { texts: 'the texts that were made', captions: 'the captions that were made', sidecars: 'the text files' };

function termTables({ terms, coverage }: Inspection, most: number): InspectionTable[] {
  const columns = [number('pictures'), number('share'), text('term')];
  const toRow = ({ term, pictures: many, share }: TermShare): string[] => [count(many), percent(share), term];
  if (terms.of === null) return [{ title: 'Terms', note: 'There are no texts.', columns, rows: [], more: 0 }];
  const spreadOut = `${count(terms.distinct)} terms, spread as ${count(Math.round(coverage.effectiveTerms ?? 0))} that are equally frequent.`;
  return [
    {
      title: 'Terms of nearly all',
      note:
        terms.shared.length > 0
          ? 'In four of five pictures or more: a trigger word could stand for them.'
          : 'No term is in four of five pictures or more.',
      columns,
      ...limited(terms.shared, most, toRow),
    },
    {
      title: 'Frequent terms',
      note: `Of ${SOURCES[terms.of]}, ${pictures(terms.pictures)}: ${spreadOut}`,
      columns,
      ...endOf(terms.common, most, toRow),
    },
    {
      title: 'Rare terms',
      note: `${count(terms.single)} ${terms.single === 1 ? 'term is' : 'terms are'} of a single picture.`,
      columns,
      ...endOf(terms.rare, most, toRow),
    },
  ];
}

function names(all: readonly string[], most: number): string {
  const rest = all.length - most;
  return all.slice(0, most).join(' · ') + (rest > 0 ? ` · and ${count(rest)} more` : '');
}

function spread(mean: number, deviation: number | null): string {
  return `${similarity(mean)} on average${deviation === null ? '' : ` ± ${similarity(deviation)}`}`;
}

/** Deviations from the mean, as they are usually told. */
function below(deviations: number): string {
  return `${deviations > 0 ? '-' : '+'}${Math.abs(deviations).toFixed(1)}`;
}
