/** What a download of an image gives, whole. */
import { type DownloadOptions, imageParts } from '../../lib/net/fetch-image';

export async function fetchImage(url: string, options: DownloadOptions = {}): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of imageParts(url, options)) parts.push(part);
  return Buffer.concat(parts);
}
