/** `/v1/tables`: lists of labels that are uploaded once and ranked against later. */
import { type Static, Type } from '@sinclair/typebox';
import { Label, LONGEST_LABEL } from './common';

/** Labels in one table at the most. */
export const MOST_TABLE_LABELS = 1_000_000;

export const TableName = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$', description: 'Letters, digits, _ and -; at most 64.' });

export const TableBody = Type.Object(
  {
    labels: Type.Array(Label, { minItems: 1, maxItems: MOST_TABLE_LABELS }),
    template: Type.Optional(Type.String({ maxLength: LONGEST_LABEL, pattern: '\\{\\}', description: "Encoded in a label's place." })),
  },
  { title: 'TableBody', additionalProperties: false },
);
export type TableBody = Static<typeof TableBody>;

export const Table = Type.Object(
  {
    name: Type.String(),
    count: Type.Integer({ description: 'Labels.' }),
    builtIn: Type.Boolean({ description: "One of the reference's term lists." }),
    template: Type.Optional(Type.String()),
    ready: Type.Array(Type.String(), { description: 'The resident CLIP models that have its embeddings.' }),
  },
  { title: 'Table' },
);
export type Table = Static<typeof Table>;

export const TableList = Type.Object({ tables: Type.Array(Table) }, { title: 'TableList' });

export const TableLabels = Type.Object(
  { labels: Type.Array(Type.String()), total: Type.Integer({ description: 'Of those that match.' }) },
  { title: 'TableLabels' },
);
