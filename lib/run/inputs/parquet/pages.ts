/** The values of a column, page by page: a row group may have as many bytes as its file, a page has a few. */
import type { ColumnMetaData, DecodedArray, SchemaTree } from 'hyparquet' with { 'resolution-mode': 'import' };
import type { FileBytes } from './file-bytes';

/** The parts of the library that are used here; it is a module of the other kind, and is imported when a file is opened. */
export interface Library {
  parquetHeader: typeof import('hyparquet/src/column.js', { with: { 'resolution-mode': 'import' }}).parquetHeader;
  readPage: typeof import('hyparquet/src/column.js', { with: { 'resolution-mode': 'import' }}).readPage;
  convert: typeof import('hyparquet/src/convert.js', { with: { 'resolution-mode': 'import' }}).convert;
  DEFAULT_PARSERS: typeof import('hyparquet/src/convert.js', { with: { 'resolution-mode': 'import' }}).DEFAULT_PARSERS;
  compressors: typeof import('hyparquet-compressors', { with: { 'resolution-mode': 'import' }}).compressors;
}

type ColumnDecoder = Parameters<Library['readPage']>[2];

/** A page's header: 30 bytes, and the page's smallest and largest value where the writer put them there. */
const HEADER_BYTES = 8 << 10;
const MOST_HEADER_BYTES = 16 << 20;

/** Of a leaf that is no list, one value a row: bytes, or undefined. */
export function* columnValues(
  library: Library,
  file: FileBytes,
  metadata: ColumnMetaData,
  schemaPath: SchemaTree[],
): Generator<Uint8Array | undefined> {
  const { element } = schemaPath.at(-1) as SchemaTree;
  const { DEFAULT_PARSERS, compressors } = library;
  // Text stays bytes, too.
  const parsers = { ...DEFAULT_PARSERS, stringFromBytes: (bytes: Uint8Array) => bytes };
  const { codec, type, path_in_schema: pathInSchema } = metadata;
  const decoder = { pathInSchema, type, element, schemaPath, codec, parsers, compressors, utf8: false } as unknown as ColumnDecoder;
  let dictionary: DecodedArray | undefined;
  let offset = Number(metadata.dictionary_page_offset || metadata.data_page_offset);
  const end = offset + Number(metadata.total_compressed_size);
  for (let left = Number(metadata.num_values); left > 0; ) {
    if (offset >= end) throw new Error(`its column ${pathInSchema.join('.')} lacks ${left} values`);
    const { header, length } = readHeader(library, file, offset, end);
    const start = offset + length;
    offset = start + header.compressed_page_size;
    if (header.type === 'INDEX_PAGE') continue;
    if (offset > end) throw new Error(`a page of its column ${pathInSchema.join('.')} is longer than the column`);
    const reader = { view: viewOf(file.read(start, offset)), offset: 0 };
    const { data } = library.readPage(reader, header, decoder, dictionary, undefined, 0);
    if (header.type === 'DICTIONARY_PAGE') {
      dictionary = data && library.convert(data, decoder);
      continue;
    }
    const values = data ?? [];
    if (values.length === 0 || values.length > left)
      throw new Error(`a page of its column ${pathInSchema.join('.')} has ${values.length} values`);
    left -= values.length;
    for (let i = 0; i < values.length; i++) yield unwrapped(values[i]);
  }
}

function readHeader(library: Library, file: FileBytes, offset: number, end: number) {
  for (let bytes = HEADER_BYTES; ; bytes *= 8) {
    const reader = { view: viewOf(file.read(offset, Math.min(offset + bytes, end))), offset: 0 };
    try {
      return { header: library.parquetHeader(reader), length: reader.offset };
    } catch (cause) {
      if (offset + bytes >= end || bytes >= MOST_HEADER_BYTES) throw cause;
    }
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): DataView<ArrayBuffer> {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Each level that may be missing is an array of one. */
function unwrapped(value: unknown): Uint8Array | undefined {
  let inner = value;
  while (Array.isArray(inner)) inner = inner[0];
  if (inner === undefined || inner === null || inner instanceof Uint8Array) return inner ?? undefined;
  throw new Error('it has values of other types than its schema says');
}
