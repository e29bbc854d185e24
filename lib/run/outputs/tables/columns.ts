/** The columns of flat tables. Types do not vary between rows; what a row does not have is null. */
import type { Row } from '../../row';
import { columnOf } from '../record';
import type { TableOptions } from './table';

export interface Column {
  name: string;
  type: 'STRING' | 'DOUBLE' | 'INT32' | 'BOOLEAN';
  of(row: Row): string | number | boolean | null;
}

/** Of the picture and of its texts; those of rankings and features are the formats' own. */
export function columnsOf({ kind, modes, similarities }: TableOptions): Column[] {
  const texts = modes.map(
    (mode, place): Column => ({ name: columnOf(mode, place), type: 'STRING', of: ({ texts: all }) => all?.[place]?.text ?? null }),
  );
  const isCaptionShown = texts.some(({ name }) => name === 'caption');
  const [first, ...others] = texts;
  const ofTexts: Column[] = [
    ...(first ? [first] : []),
    ...(similarities ? [similarity] : []),
    ...others,
    ...(isCaptionShown ? [] : [{ name: 'caption', type: 'STRING', of: ({ caption }) => caption ?? null } satisfies Column]),
  ];
  return [{ name: 'image', type: 'STRING', of: ({ name }) => name }, ...(kind === 'interrogate' ? ofTexts : [])];
}

const similarity: Column = { name: 'similarity', type: 'DOUBLE', of: ({ texts: all }) => all?.[0]?.similarity ?? null };

/** What is known of every picture, behind its texts. */
export const PICTURE_COLUMNS: readonly Column[] = [
  { name: 'width', type: 'INT32', of: ({ width }) => width ?? null },
  { name: 'height', type: 'INT32', of: ({ height }) => height ?? null },
  { name: 'truncated', type: 'BOOLEAN', of: ({ truncated }) => truncated ?? null },
  { name: 'sha256', type: 'STRING', of: ({ sha256 }) => sha256 ?? null },
  { name: 'error_code', type: 'STRING', of: ({ error }) => error?.code ?? null },
  { name: 'error', type: 'STRING', of: ({ error }) => error?.message ?? null },
];
