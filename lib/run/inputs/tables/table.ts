/** One argument that stands for any number of pictures in one file, or in one list. */
import type { Picture } from '../../picture';

export interface Table {
  /** Its path or URL, in bytes; absent for lists. */
  readonly address?: Buffer;
  /** Of a list, what its lines stand for: files of many pictures as a whole. */
  sources?(signal: AbortSignal | undefined): AsyncGenerator<Picture | Table>;
  pictures(signal: AbortSignal | undefined): AsyncGenerator<Picture>;
  /** How many pictures, those that fail included; null where only reading all of it can tell. */
  count(signal: AbortSignal | undefined): Promise<number | null>;
}
