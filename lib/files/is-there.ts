/** Whether something is in a place. */
import { stat } from 'node:fs/promises';

/** A file or a folder of any kind; a link that leads nowhere is none. */
export async function isThere(place: string): Promise<boolean> {
  return (await stat(place).catch(() => undefined)) !== undefined;
}
