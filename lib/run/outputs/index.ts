import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { Mode } from '../../api';
import type { Picture } from '../picture';
import type { Row } from '../row';
export interface Table {
  write(row: Row): Promise<void>;
  finish(): Promise<void>;
  abandon(): Promise<void>;
}
export type RowKind = 'interrogate' | 'rank' | 'features';
export async function checkTable(_file: string, _kind: RowKind): Promise<void> {}
export function rowToObject(row: Row, _modes: readonly Mode[]): object {
  const { name, texts, caption, ranked, features, error, width, height, sha256 } = row;
  return {
    image: name,
    ...(texts && { prompt: texts[0]?.text, similarity: texts[0]?.similarity }),
    caption,
    ranked,
    ...(features && { features: [...features] }),
    width,
    height,
    sha256,
    error,
  };
}
export async function openTable(file: string, _kind: RowKind, { modes }: { modes: readonly Mode[] }): Promise<Table> {
  const out = createWriteStream(`${file}.tmp`);
  return {
    async write(row) {
      out.write(`${JSON.stringify(rowToObject(row, modes))}\n`);
    },
    async finish() {
      await new Promise<void>((r) => out.end(() => r()));
      await rename(`${file}.tmp`, file);
    },
    async abandon() {
      out.destroy();
      await rm(`${file}.tmp`, { force: true });
    },
  };
}
export interface SidecarOptions {
  extension: string;
  name?: string;
  folder?: string;
  existing: 'skip' | 'overwrite' | 'append' | 'prepend';
  lines?: boolean;
}
export class Sidecars {
  constructor(readonly options: SidecarOptions & { modes: readonly Mode[] }) {}
  fileFor(_picture: Picture): Buffer | undefined {
    return undefined;
  }
}
