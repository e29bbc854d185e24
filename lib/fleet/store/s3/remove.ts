/** Objects, and what killed writers left of others, go. */
import type { ListMultipartUploadsCommandOutput } from '@aws-sdk/client-s3';
import type { Bucket } from './bucket';

/** Requests at the same time. */
const AT_ONCE = 16;

/** `keys`: whole ones. One request each: the one for many at once is not understood everywhere. Rejects with what the SDK says. */
export async function removeObjects({ sdk, client, bucket }: Bucket, keys: AsyncIterator<string>): Promise<void> {
  const removeSome = async (): Promise<void> => {
    for (let key = await keys.next(); !key.done; key = await keys.next()) {
      await client.send(new sdk.s3.DeleteObjectCommand({ Bucket: bucket, Key: key.value }));
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, removeSome));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
}

/** Parts of objects that were never put together: nobody sees them, and they cost. Where they may not be listed or removed they stay. */
export async function abortUploads({ sdk, client, bucket }: Bucket, prefix: string): Promise<void> {
  try {
    let from: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
    while (from) {
      const page: ListMultipartUploadsCommandOutput = await client.send(
        new sdk.s3.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...from }),
      );
      for (const { Key, UploadId } of page.Uploads ?? []) {
        await client.send(new sdk.s3.AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
      }
      from = page.IsTruncated ? { KeyMarker: page.NextKeyMarker ?? '', UploadIdMarker: page.NextUploadIdMarker ?? '' } : undefined;
    }
  } catch {
    // What was removed is removed; these are what a rule of the bucket's own removes best.
  }
}
