/** Paths as people, globs and JSON see them. */
import { isUtf8 } from 'node:buffer';
import { IMAGE_SUFFIXES } from '../../api';

/** Where a path is not UTF-8, its bytes beyond ASCII are escaped (`\xff`). */
export function shownPath(file: Buffer): string {
  if (isUtf8(file)) return file.toString();
  return file.toString('latin1').replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

/** By its suffix. Hidden files are none: macOS keeps what a foreign file system cannot hold of `x.jpg` in `._x.jpg`. */
export function isImageName(name: string): boolean {
  const dot = name.lastIndexOf('.');
  return dot > 0 && !name.startsWith('.') && IMAGE_SUFFIXES.has(name.slice(dot).toLowerCase());
}
