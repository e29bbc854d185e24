/** A local file's way into an object. */
import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { pause } from '../../../abort';
import type { InterrogatorError } from '../../../errors';
import { readFault } from '../read-fault';
import type { Bucket } from './bucket';
import { statusOf } from './fault';

/** S3's least for all but the last; a part is copied in one go. There may be 10,000. */
const PART = 5 << 20;
const MOST_PARTS = 10_000;
/** Parts that are sent at the same time: so many are in memory. */
const AT_ONCE = 4;
/** What is read at a time. */
const CHUNK = 1 << 18;
const ATTEMPTS = 4;
const PAUSE_MS = 200;
/** The mark of the writer, in the object's metadata. */
const WRITER = 'torch-interrogator-writer';

/** `onlyNew`: what is there stays, and the answer is false. Rejects with ERR_IO and ERR_NETWORK. */
export async function upload(bucket: Bucket, name: string, file: string, { onlyNew = false } = {}): Promise<boolean> {
  const object = bucket.object(name);
  for (let attempt = 1; ; attempt++) {
    const writer = randomUUID();
    try {
      await send(bucket, file, { ...object, Metadata: { [WRITER]: writer }, ...(onlyNew && { IfNoneMatch: '*' }) });
      return true;
    } catch (error) {
      if (!isConflict(error)) throw bucket.writeFault(name, error);
      // A request whose answer was lost is sent again, and finds what it has written itself.
      const found = await writerOf(bucket, name);
      if (found === writer) return true;
      if (found !== undefined && statusOf(error) === 412) return false;
      // Whoever had the place has left it, or removed the parts.
      if (attempt === ATTEMPTS) throw bucket.writeFault(name, error);
    }
    await pause(PAUSE_MS * attempt * (0.5 + Math.random()), undefined);
  }
}

type Target = { Bucket: string; Key: string; Metadata: Record<string, string>; IfNoneMatch?: string };

/** In one request, or, where it is long, in parts, of which nothing stays where one fails. */
async function send({ sdk, client }: Bucket, file: string, target: Target): Promise<void> {
  let localFault: InterrogatorError | undefined;
  const handle = await open(file).catch((error) => {
    throw readFault(file, error);
  });
  try {
    const partSize = Math.max(PART, Math.ceil((await handle.stat()).size / MOST_PARTS));
    const body = handle.createReadStream({ autoClose: false, highWaterMark: CHUNK });
    body.once('error', (error) => {
      localFault = readFault(file, error);
    });
    await new sdk.storage.Upload({ client, partSize, queueSize: AT_ONCE, params: { ...target, Body: body } }).done();
  } catch (error) {
    throw localFault ?? error;
  } finally {
    await handle.close();
  }
}

/** Something is there, another one writes at this moment, or the parts are gone: put together already, perhaps. */
function isConflict(error: unknown): boolean {
  const status = statusOf(error);
  return status === 412 || status === 409 || (error as Error).name === 'NoSuchUpload';
}

/** Empty for an object of other hands; undefined where there is none. */
async function writerOf(bucket: Bucket, name: string): Promise<string | undefined> {
  try {
    const { Metadata } = await bucket.client.send(new bucket.sdk.s3.HeadObjectCommand(bucket.object(name)));
    return Metadata?.[WRITER] ?? '';
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw bucket.writeFault(name, error);
  }
}
