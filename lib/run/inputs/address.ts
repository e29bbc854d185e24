/** A path or a URL, as lists and tables name pictures. */
import { isUtf8 } from 'node:buffer';
import { fileURLToPath } from 'node:url';
import { InterrogatorError } from '../../api';
import type { Picture } from '../picture';
import { failedPicture, filePicture, urlPicture } from './file-picture';

/** Whether a text is a URL of a kind that is read. */
export function isUrl(text: string): boolean {
  return /^(?:https?|file|data):/i.test(text);
}

/** Throws ERR_INVALID_ARGUMENT for what names no file here. */
export function fileUrlPath(url: string): Buffer {
  try {
    return Buffer.from(fileURLToPath(url));
  } catch (cause) {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${url.slice(0, 300)} is not the URL of a file here`, { cause });
  }
}

/** One picture. Paths are relative to the working directory. `name`: where it is not the path or URL. */
export function addressPicture(address: Buffer, name?: string): Picture {
  const text = isUtf8(address) ? address.toString() : '';
  if (!isUrl(text)) return filePicture(address, name === undefined ? {} : { name });
  if (!/^file:/i.test(text)) return { ...urlPicture(text), ...(name !== undefined && { name }) };
  try {
    return filePicture(fileUrlPath(text), name === undefined ? {} : { name });
  } catch (error) {
    return failedPicture(name ?? text.slice(0, 300), error as InterrogatorError);
  }
}
