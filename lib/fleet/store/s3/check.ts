/** Whether a store of objects does all that a run needs. */
import { randomUUID } from 'node:crypto';
import { InterrogatorError, throwIfAborted } from '../../../errors';
import { HIDDEN } from '../names';
import type { Bucket } from './bucket';
import { statusOf } from './fault';

/** Writes an object, tries to write it again, finds it, reads it, and removes it. Rejects with ERR_IO, ERR_NETWORK and AbortError. */
export async function checkBucket(bucket: Bucket, signal?: AbortSignal): Promise<void> {
  const { s3 } = bucket.sdk;
  const object = { Bucket: bucket.bucket, Key: `${bucket.prefix}${HIDDEN}check-${randomUUID()}` };
  const options = signal ? { abortSignal: signal } : {};
  const writeNew = (): Promise<unknown> =>
    bucket.client.send(new s3.PutObjectCommand({ ...object, Body: 'torch-interrogator\n', IfNoneMatch: '*' }), options);
  const remove = (): Promise<unknown> => bucket.client.send(new s3.DeleteObjectCommand(object));
  throwIfAborted(signal);
  try {
    // One whose answer was lost was sent again, and found itself.
    await writeNew().catch((error) => statusOf(error) === 412 || Promise.reject(error));
    if (await isTakenTwice(writeNew)) throw replacesAll(bucket);
    await bucket.client.send(new s3.ListObjectsV2Command({ Bucket: object.Bucket, Prefix: object.Key, MaxKeys: 1 }), options);
    const { Body } = await bucket.client.send(new s3.GetObjectCommand(object), options);
    await Body?.transformToByteArray();
  } catch (error) {
    await remove().catch(() => {});
    throwIfAborted(signal);
    if (statusOf(error) === 501) throw replacesAll(bucket);
    throw bucket.writeFault('', error);
  }
  await remove().catch((error) => {
    throw bucket.writeFault('', error);
  });
}

async function isTakenTwice(writeNew: () => Promise<unknown>): Promise<boolean> {
  try {
    await writeNew();
    return true;
  } catch (error) {
    if (statusOf(error) === 412) return false;
    throw error;
  }
}

function replacesAll({ host }: Bucket): InterrogatorError {
  return new InterrogatorError('ERR_IO', `${host} cannot keep an object from being replaced (If-None-Match): results could be lost.`, {
    hint: 'Amazon S3, MinIO and others can: use a newer version of the server, or a shared folder.',
  });
}
