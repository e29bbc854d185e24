/** Whether a picture that a run has known is still there. */
import path from 'node:path';
import { isUrl } from '../inputs/address';
import { statOf } from '../inputs/file-picture';

export interface Found {
  /** Its path, where it is a file of its own. */
  file?: Buffer;
  /** It was written to since. */
  isChanged: boolean;
}

/** Members of shards and rows of parquet files: of these, as of URLs, nobody can tell without reading. */
const MEMBER = /\.(tar|tar\.gz|tgz)\/|\.parquet#\d+$/i;

/** `image` and `stamp` as the ledger has them. 'outside': it is not below `within`. */
export async function findPicture(
  { image, stamp }: { image: string; stamp?: string },
  base: string,
  within: string | undefined,
): Promise<Found | 'gone' | 'outside'> {
  const place = path.resolve(base, image);
  const isBelow = within === undefined || (!isUrl(image) && isInside(place, within));
  if (!isBelow) return 'outside';
  if (isUrl(image)) return { isChanged: false };
  for (const file of pathsOf(place)) {
    const found = await statOf(file);
    if (found?.isFile()) return { file, isChanged: stamp !== undefined && !stamp.startsWith(`${found.size}:${found.mtimeNs}:`) };
  }
  return image === '-' || MEMBER.test(image) ? { isChanged: false } : 'gone';
}

function isInside(place: string, folder: string): boolean {
  return place.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep);
}

/** A path, and where bytes seem to be escaped in it (`\xff`), the one with these bytes. */
function pathsOf(place: string): Buffer[] {
  const pieces = place.split(/\\x([0-9a-f]{2})/);
  if (pieces.length === 1) return [Buffer.from(place)];
  const bytes = pieces.map((piece, i) => (i % 2 === 0 ? Buffer.from(piece) : Buffer.from(piece, 'hex')));
  return [Buffer.from(place), Buffer.concat(bytes)];
}

/** The path of the text file beside a picture: its name with another suffix, such as `.txt`. Bytes: a name need not be UTF-8. */
export function besidePicture(file: Buffer, extension: string): Buffer {
  const name = file.lastIndexOf('/') + 1;
  const dot = file.lastIndexOf('.');
  return Buffer.concat([dot > name ? file.subarray(0, dot) : file, Buffer.from(extension)]);
}
