/**
 * A parquet file whose row groups are made a piece at a time: encoding a few rows takes some milliseconds, a group of thousands of them
 * much longer. A piece has one page a column or more, and a column of a group is the pages of all of its pieces.
 */
import type { RowGroup } from 'hyparquet' with { 'resolution-mode': 'import' };
import type { ByteWriter, ParquetWriter } from 'hyparquet-writer';

export type Library = typeof import('hyparquet-writer', { with: { 'resolution-mode': 'import' }});
export type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema'];
type ColumnData = Parameters<ParquetWriter['write']>[0]['columnData'];
type Metadata = NonNullable<RowGroup['columns'][number]['meta_data']>;

/** Readers take a group as one, and the file's end lists all groups. */
const MOST_ROWS = 8192;
/** Encoded: they are in memory until the group is written. */
const MOST_BYTES = 16 << 20;

/** The pages of one column, one after the other. */
interface Chunk {
  metadata: Metadata;
  pages: Uint8Array[];
}

export class RowGroups {
  private readonly bytes: ByteWriter;
  private readonly file: ParquetWriter;
  private chunks: Chunk[] = [];
  private rows = 0;

  /** `put` is given the file's bytes from its start to its end. */
  constructor(
    private readonly library: Library,
    private readonly schema: Schema,
    private readonly put: (bytes: Uint8Array) => Promise<void>,
  ) {
    this.bytes = new library.ByteWriter();
    this.file = new library.ParquetWriter({ writer: this.bytes, schema });
  }

  /** Encodes some rows, in one go. */
  async add(columns: ColumnData, rows: number): Promise<void> {
    const writer = new this.library.ByteWriter();
    const piece = new this.library.ParquetWriter({ writer, schema: this.schema, statistics: false });
    // One dictionary a piece would be several a column, of which readers take one. An index of pages would be of the piece.
    const columnData = columns.map((each) => ({ ...each, encoding: 'PLAIN' as const, offsetIndex: false }));
    await piece.write({ columnData, rowGroupSize: rows });
    let at = START;
    for (const [i, { meta_data: metadata }] of (piece.row_groups[0]?.columns ?? []).entries()) {
      if (!metadata) throw new Error('a column without metadata');
      const end = at + Number(metadata.total_compressed_size);
      const chunk = this.chunks[i];
      const pages = new Uint8Array(writer.buffer.slice(at, end));
      if (!chunk) this.chunks.push({ metadata, pages: [pages] });
      else {
        chunk.metadata = joined(chunk.metadata, metadata);
        chunk.pages.push(pages);
      }
      at = end;
    }
    this.rows += rows;
    if (this.rows >= MOST_ROWS || this.size >= MOST_BYTES) await this.endGroup();
  }

  /** The file is whole when this resolves. */
  async finish(): Promise<void> {
    await this.endGroup();
    this.file.finish();
    await this.flush();
  }

  private get size(): number {
    return this.chunks.reduce((sum, { metadata }) => sum + Number(metadata.total_compressed_size), 0);
  }

  private async endGroup(): Promise<void> {
    if (this.rows === 0) return;
    const start = this.bytes.offset;
    const columns: RowGroup['columns'] = [];
    for (const { metadata, pages } of this.chunks) {
      const offset = BigInt(this.bytes.offset);
      columns.push({ file_offset: offset, meta_data: { ...metadata, data_page_offset: offset } });
      for (const page of pages) {
        this.bytes.appendBytes(page);
        await this.flush();
      }
    }
    this.file.row_groups.push({
      columns,
      total_byte_size: this.chunks.reduce((sum, { metadata }) => sum + metadata.total_uncompressed_size, 0n),
      num_rows: BigInt(this.rows),
      total_compressed_size: BigInt(this.bytes.offset - start),
    });
    this.file.num_rows += BigInt(this.rows);
    this.chunks = [];
    this.rows = 0;
  }

  private async flush(): Promise<void> {
    const bytes = new Uint8Array(this.bytes.buffer.slice(0, this.bytes.index));
    this.bytes.index = 0;
    await this.put(bytes);
  }
}

/** A file begins with four bytes. */
const START = 4;

function joined(all: Metadata, more: Metadata): Metadata {
  return {
    ...all,
    num_values: all.num_values + more.num_values,
    total_compressed_size: all.total_compressed_size + more.total_compressed_size,
    total_uncompressed_size: all.total_uncompressed_size + more.total_uncompressed_size,
  };
}
