/** The values of a column, page by page: a row group may have as many bytes as its file, a page has a few. */
import type { ColumnMetaData, DecodedArray, SchemaTree } from 'hyparquet' with { 'resolution-mode': 'import' };
import type { FileBytes } from './file-bytes';
import { type Decoder, type Library, pageRows, readPage } from './page';

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
  const decoder = { pathInSchema, type, element, schemaPath, codec, parsers, compressors, utf8: false } as unknown as Decoder;
  let dictionary: DecodedArray | undefined;
  let offset = Number(metadata.dictionary_page_offset || metadata.data_page_offset);
  const end = offset + Number(metadata.total_compressed_size);
  for (let left = Number(metadata.num_values); left > 0; ) {
    if (offset >= end) throw new Error(`its column ${pathInSchema.join('.')} lacks ${left} values`);
    const { header, length } = readHeader(library, file, offset, end);
    const start = offset + length;
    offset = start + header.compressed_page_size;
    if (offset < start || offset > end) throw new Error(`a page of its column ${pathInSchema.join('.')} does not end in the column`);
    if (header.type === 'INDEX_PAGE') continue;
    const rows = header.type === 'DICTIONARY_PAGE' ? 0 : pageRows(header, left);
    const data = readPage(library, header, file.read(start, offset), decoder, dictionary);
    if (header.type === 'DICTIONARY_PAGE') {
      dictionary = library.convert(data, decoder);
      continue;
    }
    if (data.length !== rows) throw new Error(`a page of its column ${pathInSchema.join('.')} has ${data.length} of ${rows} values`);
    left -= rows;
    for (let i = 0; i < rows; i++) yield unwrapped(data[i]);
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
