import type { RowKind, Table } from '../outputs';
export async function openReport(_file: string, _options: { kind: RowKind }): Promise<Table> {
  return { async write() {}, async finish() {}, async abandon() {} };
}
