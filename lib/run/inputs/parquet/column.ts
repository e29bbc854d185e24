/** Which column of a parquet file holds the images. */
import type { SchemaTree } from 'hyparquet' with { 'resolution-mode': 'import' };

/** The paths of the leaves that hold a row's image: its bytes, its path or URL, or, as on the hub, both. */
export interface ImageColumn {
  bytes?: string[];
  address?: string[];
}

const NAMES = ['image', 'img', 'picture', 'jpg', 'png', 'webp', 'bytes'];

export const COLUMN_HINT = `Name the column one of ${NAMES.join(', ')}: bytes, a path or URL, or {bytes, path} as datasets of the hub have it.`;

/** By its name, else the first with bytes. */
export function findColumn(schema: SchemaTree): ImageColumn | undefined {
  const named = NAMES.flatMap((name) => schema.children.filter(({ element }) => element.name.toLowerCase() === name));
  return named.map(imageColumn).find((column) => column) ?? schema.children.map(imageColumn).find((column) => column?.bytes);
}

function imageColumn(column: SchemaTree): ImageColumn | undefined {
  if (column.element.repetition_type === 'REPEATED') return undefined;
  if (column.children.length === 0)
    return isText(column) ? { address: column.path } : isBinary(column) ? { bytes: column.path } : undefined;
  const child = (name: string): SchemaTree | undefined =>
    column.children.find(({ element }) => element.name === name && element.repetition_type !== 'REPEATED');
  const [bytes, address] = [child('bytes'), child('path')];
  if (bytes && isBinary(bytes)) return { bytes: bytes.path, ...(address && isText(address) && { address: address.path }) };
  return undefined;
}

function isText({ element, children }: SchemaTree): boolean {
  return (
    children.length === 0 && element.type === 'BYTE_ARRAY' && (element.converted_type === 'UTF8' || element.logical_type?.type === 'STRING')
  );
}

function isBinary({ element, children }: SchemaTree): boolean {
  return (
    children.length === 0 && element.type === 'BYTE_ARRAY' && element.converted_type === undefined && element.logical_type === undefined
  );
}

/** `id (INT64), text (text)`. */
export function describeColumns(schema: SchemaTree): string {
  const columns = schema.children.map((column) => {
    const { element, children } = column;
    const kind =
      children.length > 0 ? `{${children.map((child) => child.element.name).join(', ')}}` : isText(column) ? 'text' : element.type;
    return `${element.name} (${kind})`;
  });
  return columns.length > MOST_SHOWN
    ? `${columns.slice(0, MOST_SHOWN).join(', ')} and ${columns.length - MOST_SHOWN} more`
    : columns.join(', ');
}

const MOST_SHOWN = 20;
