/** Where a store is, as people write it. */
import path from 'node:path';
import { InterrogatorError } from '../../errors';
import { checkName } from './names';

/** A bucket, and what stands in front of all names in it: nothing, or a path with a slash at its end. */
export interface BucketPlace {
  readonly bucket: string;
  readonly prefix: string;
}

/** `s3://…`. */
export function isObjectStore(location: string): boolean {
  return /^s3:\/\//i.test(location);
}

/**
 * The store that a file or an object is in, and its name there: `s3://bucket/a/b.jsonl` is `b.jsonl` in `s3://bucket/a`, and `/data/b.jsonl`
 * is `b.jsonl` in `/data`. Throws ERR_INVALID_ARGUMENT for a bucket without a name in it, and for a path that is not absolute.
 */
export function splitObject(location: string): { location: string; name: string } {
  if (!isObjectStore(location)) {
    const file = absolute(location);
    return { location: path.dirname(file), name: checkName(path.basename(file)) };
  }
  const slash = location.lastIndexOf('/');
  const [folder, name] = [location.slice(0, slash), location.slice(slash + 1)];
  if (folder.length <= 's3://'.length || name === '') {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${shown(location)}: expected an object's name behind the bucket.`, {
      hint: 's3://BUCKET/FOLDER/NAME',
    });
  }
  bucketPlace(location);
  return { location: folder, name: checkName(name) };
}

/** Throws ERR_INVALID_ARGUMENT. */
export function bucketPlace(location: string): BucketPlace {
  const [bucket = '', ...folders] = location.slice('s3://'.length).replace(/\/$/, '').split('/');
  // S3's own rules, and those of old buckets and of other stores.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(bucket)) {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${shown(location)}: expected a bucket's name behind s3://.`, {
      hint: 's3://BUCKET/FOLDER; the server of the store and its credentials are set in AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    });
  }
  return { bucket, prefix: folders.length === 0 ? '' : `${checkName(folders.join('/'))}/` };
}

/** A folder's path, on all machines the same. Throws ERR_INVALID_ARGUMENT. */
export function absolute(folder: string): string {
  if (path.isAbsolute(folder) && !folder.includes('\0')) return path.resolve(folder);
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${shown(folder)}: expected a folder's absolute path, or s3://BUCKET/FOLDER.`, {
    hint: 'A path that is not absolute leads to another place on each machine. Other stores that speak S3 are reached by AWS_ENDPOINT_URL.',
  });
}

/** People write keys where addresses have users. */
function shown(location: string): string {
  return JSON.stringify(location.replace(/^([a-z\d]+:\/\/)[^/]*@/i, '$1…@'));
}
