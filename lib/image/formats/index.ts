/** What a file is, by its first bytes; names are not looked at. */
import { avif } from './avif';
import { bmp } from './bmp';
import type { FormatName, ImageFormat } from './format';
import { gif } from './gif';
import { jpeg } from './jpeg';
import { png } from './png';
import { tiff } from './tiff';
import { webp } from './webp';

export type { FormatName, ImageFormat, ImageHeader } from './format';
export { describeUnknown } from './unread';

/** Every format that is read. */
export const FORMATS: Readonly<Record<FormatName, ImageFormat>> = { jpeg, png, webp, gif, bmp, tiff, avif };

/** Suffixes of file names that are images in a folder, with their dots, in lower case. */
export const IMAGE_SUFFIXES: ReadonlySet<string> = new Set(Object.values(FORMATS).flatMap(({ suffixes }) => suffixes));

/** The format, or undefined for what cannot be read. */
export function sniff(bytes: Buffer): ImageFormat | undefined {
  return Object.values(FORMATS).find((format) => format.matches(bytes));
}
