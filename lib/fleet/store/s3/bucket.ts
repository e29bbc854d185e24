/** A bucket, and the client that speaks to it: with the settings of AWS, from the environment and from its files. */
import type { S3Client } from '@aws-sdk/client-s3';
import { InterrogatorError } from '../../../errors';
import { bucketPlace } from '../location';
import { checkName } from '../names';
import { objectFault } from './fault';
import { loadSdk, type Sdk } from './sdk';
import { SlicedSha256 } from './sliced-sha256';

const CONNECT_MS = 5000;
/** Without a byte in either direction. */
const IDLE_MS = 60_000;
/** Amazon sends requests on from here; others know no regions. */
const ANY_REGION = 'us-east-1';

export class Bucket {
  private constructor(
    readonly sdk: Sdk,
    readonly client: S3Client,
    readonly bucket: string,
    /** In front of all names: nothing, or a path with a slash at its end. */
    readonly prefix: string,
    /** The server, with its port. */
    readonly host: string,
  ) {}

  /** Asks nothing of the store. Rejects with ERR_INVALID_ARGUMENT. */
  static async open(location: string): Promise<Bucket> {
    const { bucket, prefix } = bucketPlace(location);
    const sdk = loadSdk();
    const { endpoint, region } = await settings(sdk);
    const client = new sdk.s3.S3Client({
      region,
      followRegionRedirects: true,
      // A server of one's own has no name for each bucket.
      ...(endpoint && { endpoint: endpoint.href, forcePathStyle: true }),
      // Other servers than Amazon's do not know the newer checksums.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: IDLE_MS },
      sha256: SlicedSha256,
    });
    return new Bucket(sdk, client, bucket, prefix, endpoint?.host ?? `s3.${region}.amazonaws.com`);
  }

  /** An object, as requests name it. Throws ERR_INVALID_ARGUMENT. */
  object(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.bucket, Key: this.prefix + checkName(name) };
  }

  shown(name: string): string {
    return `s3://${this.bucket}/${this.prefix}${name}`;
  }

  writeFault(name: string, error: unknown): InterrogatorError {
    return objectFault(`${this.shown(name)} cannot be written`, error, this);
  }

  readFault(name: string, error: unknown): InterrogatorError {
    return objectFault(`${this.shown(name)} cannot be read`, error, this);
  }

  close(): void {
    this.client.destroy();
  }
}

async function settings({ s3 }: Sdk): Promise<{ endpoint: URL | undefined; region: string }> {
  const { config } = new s3.S3Client({});
  const configured = await config.serviceConfiguredEndpoint?.();
  if (configured !== undefined && !(URL.canParse(configured) && /^https?:/i.test(configured))) {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', 'AWS_ENDPOINT_URL: expected an address such as http://127.0.0.1:9000.');
  }
  // The SDK for JavaScript does not read the second one, which AWS's own program does.
  const region = await config.region().catch(() => process.env.AWS_DEFAULT_REGION || ANY_REGION);
  return { endpoint: configured === undefined ? undefined : new URL(configured), region };
}
