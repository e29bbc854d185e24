/** One page of a column. What the library would take a damaged page's word for is looked at before. */
import type { DecodedArray } from 'hyparquet' with { 'resolution-mode': 'import' };
import { bitWidth, checkRuns } from './runs';

/** The parts of the library that are used here; it is a module of the other kind, and is imported when a file is opened. */
export interface Library {
  parquetHeader: typeof import('hyparquet/src/column.js', { with: { 'resolution-mode': 'import' }}).parquetHeader;
  readPage: typeof import('hyparquet/src/column.js', { with: { 'resolution-mode': 'import' }}).readPage;
  decompressPage: typeof import('hyparquet/src/datapage.js', { with: { 'resolution-mode': 'import' }}).decompressPage;
  getMaxDefinitionLevel: typeof import('hyparquet/src/schema.js', { with: { 'resolution-mode': 'import' }}).getMaxDefinitionLevel;
  convert: typeof import('hyparquet/src/convert.js', { with: { 'resolution-mode': 'import' }}).convert;
  DEFAULT_PARSERS: typeof import('hyparquet/src/convert.js', { with: { 'resolution-mode': 'import' }}).DEFAULT_PARSERS;
  compressors: typeof import('hyparquet-compressors', { with: { 'resolution-mode': 'import' }}).compressors;
}

export type PageHeader = ReturnType<Library['parquetHeader']>;
export type Decoder = Parameters<Library['readPage']>[2];

/** Of rows, in a page. Writers end a page after 20,000 rows or a megabyte. */
const MOST_VALUES = 1 << 24;
/** A length and no bytes. */
const SMALLEST_VALUE = 4;

/** How many rows a page of data is of. Throws where that cannot be. */
export function pageRows(header: PageHeader, left: number): number {
  const count = dataHeader(header)?.num_values ?? 0;
  if (count > 0 && count <= Math.min(left, MOST_VALUES)) return count;
  throw new Error(`a page says that it has ${count} values, where ${left} are left`);
}

function dataHeader({ type, data_page_header: v1, data_page_header_v2: v2 }: PageHeader) {
  return type === 'DATA_PAGE' ? v1 : type === 'DATA_PAGE_V2' ? v2 : undefined;
}

/** The values of a dictionary or of a page of data. `bytes`: what follows its header. */
export function readPage(
  library: Library,
  header: PageHeader,
  bytes: Uint8Array<ArrayBuffer>,
  decoder: Decoder,
  dictionary: DecodedArray | undefined,
): DecodedArray {
  if (header.type === 'DICTIONARY_PAGE') {
    const count = header.dictionary_page_header?.num_values ?? -1;
    if (!(count >= 0 && count * SMALLEST_VALUE <= header.uncompressed_page_size))
      throw new Error(`a dictionary says that it has ${count} values`);
    return library.readPage(readerOf(bytes), header, decoder, undefined, undefined, 0).data ?? [];
  }
  const page = header.type === 'DATA_PAGE' ? checkedPage(library, header, bytes, decoder) : checkedPageV2(library, header, bytes, decoder);
  const plain = { ...header, compressed_page_size: page.length, uncompressed_page_size: page.length };
  return library.readPage(readerOf(page), plain, { ...decoder, codec: 'UNCOMPRESSED' }, dictionary, undefined, 0).data ?? [];
}

/** Not compressed any more: levels behind their length, and values. */
function checkedPage(library: Library, header: PageHeader, bytes: Uint8Array, decoder: Decoder): Uint8Array {
  const { data_page_header: head, uncompressed_page_size: size } = header;
  if (!head) throw new Error('a page lacks a part of its header');
  const page = library.decompressPage(bytes, size, decoder.codec, decoder.compressors);
  const width = bitWidth(library.getMaxDefinitionLevel(decoder.schemaPath));
  const end = width === 0 ? 0 : SIZE_BYTES + new DataView(page.buffer, page.byteOffset, page.byteLength).getUint32(0, true);
  if (width > 0) checkRuns(page, { start: SIZE_BYTES, end, width, count: head.num_values });
  checkPlaces(page, end, head);
  return page;
}

/** Of the newer kind: its levels are not compressed in any case, its values may be. */
function checkedPageV2(library: Library, header: PageHeader, bytes: Uint8Array, decoder: Decoder): Uint8Array {
  const { data_page_header_v2: head, uncompressed_page_size: size } = header;
  if (!head) throw new Error('a page lacks a part of its header');
  const start = head.repetition_levels_byte_length;
  const end = start + head.definition_levels_byte_length;
  const width = bitWidth(library.getMaxDefinitionLevel(decoder.schemaPath));
  checkRuns(bytes, { start, end, width, count: head.num_values });
  const rest = bytes.subarray(end);
  const values = head.is_compressed === false ? rest : library.decompressPage(rest, size - end, decoder.codec, decoder.compressors);
  checkPlaces(values, 0, head);
  return Buffer.concat([bytes.subarray(0, end), values]);
}

const SIZE_BYTES = 4;

/** Places in a dictionary: their width, and runs of them. */
function checkPlaces(page: Uint8Array, start: number, { encoding, num_values: count }: { encoding: string; num_values: number }): void {
  if (encoding === 'PLAIN' || encoding.startsWith('DELTA_')) return;
  checkRuns(page, { start: start + 1, end: page.length, width: page[start] ?? 0, count });
}

function readerOf({ buffer, byteOffset, byteLength }: Uint8Array): Parameters<Library['readPage']>[0] {
  return { view: new DataView(buffer as ArrayBuffer, byteOffset, byteLength), offset: 0 };
}
