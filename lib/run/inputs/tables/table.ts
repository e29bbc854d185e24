/** One argument that stands for any number of pictures in one file, or in one list. */
import type { Picture } from '../../picture';

export interface Table {
  pictures(signal: AbortSignal | undefined): AsyncGenerator<Picture>;
  /** How many pictures, those that fail included; null where only reading all of it can tell. */
  count(signal: AbortSignal | undefined): Promise<number | null>;
}
