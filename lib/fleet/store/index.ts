/** Stores of results: a shared folder, or a store of objects that speaks S3. */
import { absolute, isObjectStore } from './location';
import type { ResultStore } from './store';

export { isObjectStore, splitObject } from './location';
export type { ResultStore } from './store';

/**
 * `location`: a folder's absolute path, which need not be there yet, or `s3://bucket/prefix`. Nothing is asked of it before it is used.
 *
 * Rejects with ERR_INVALID_ARGUMENT for a location that is none, for an AWS_ENDPOINT_URL that is none, and where the packages that speak S3
 * are not installed.
 */
export async function openStore(location: string): Promise<ResultStore> {
  if (isObjectStore(location)) {
    const { S3Store } = require('./s3/s3-store') as typeof import('./s3/s3-store');
    return S3Store.open(location);
  }
  const { FolderStore } = require('./folder/folder-store') as typeof import('./folder/folder-store');
  return new FolderStore(location, absolute(location));
}
