/** Results in a bucket of Amazon S3, MinIO, or another store that speaks S3. */
import type { Readable } from 'node:stream';
import { checkRemoved, isHidden } from '../names';
import type { ResultStore } from '../store';
import { Bucket } from './bucket';
import { checkBucket } from './check';
import { download } from './download';
import { objectFault, statusOf } from './fault';
import { abortUploads, removeObjects } from './remove';
import { upload } from './upload';

export class S3Store implements ResultStore {
  private constructor(
    readonly location: string,
    private readonly bucket: Bucket,
  ) {}

  /** Rejects with ERR_INVALID_ARGUMENT; see openStore. */
  static async open(location: string): Promise<S3Store> {
    return new S3Store(location, await Bucket.open(location));
  }

  async check(signal?: AbortSignal): Promise<void> {
    await checkBucket(this.bucket, signal);
  }

  async putIfAbsent(name: string, file: string): Promise<boolean> {
    return await upload(this.bucket, name, file, { onlyNew: true });
  }

  async put(name: string, file: string): Promise<void> {
    await upload(this.bucket, name, file);
  }

  async has(name: string): Promise<boolean> {
    const { client, sdk } = this.bucket;
    const command = new sdk.s3.HeadObjectCommand(this.bucket.object(name));
    try {
      await client.send(command);
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return false;
      throw this.bucket.readFault(name, error);
    }
  }

  async read(name: string): Promise<Readable> {
    return await download(this.bucket, name);
  }

  async *list(prefix: string): AsyncGenerator<string> {
    const { prefix: all } = this.bucket;
    for await (const key of this.keys(prefix)) {
      const name = key.slice(all.length);
      // Programs that show folders keep empty objects of their names.
      if (!isHidden(name) && !name.endsWith('/')) yield name;
    }
  }

  async remove(prefix: string): Promise<void> {
    const { bucket } = this;
    checkRemoved(prefix);
    try {
      await removeObjects(bucket, this.keys(prefix));
    } catch (error) {
      throw objectFault(`${bucket.shown(prefix)} cannot be removed`, error, bucket);
    }
    await abortUploads(bucket, bucket.prefix + prefix);
  }

  close(): void {
    this.bucket.close();
  }

  /** Whole ones, as the store orders them: by their bytes. */
  private async *keys(prefix: string): AsyncGenerator<string> {
    const { sdk, client, bucket, prefix: all } = this.bucket;
    try {
      const pages = sdk.s3.paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: all + prefix });
      for await (const { Contents = [] } of pages) {
        for (const { Key } of Contents) if (Key !== undefined) yield Key;
      }
    } catch (error) {
      throw objectFault(`${this.bucket.shown(prefix)} cannot be listed`, error, this.bucket);
    }
  }
}
