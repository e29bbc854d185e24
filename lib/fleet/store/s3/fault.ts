/** What people read where a store of objects does not do what it is asked. */
import { InterrogatorError } from '../../../errors';

/** What is told of the store. */
export interface Where {
  readonly bucket: string;
  /** The server with its port, without what an address may say of users. */
  readonly host: string;
}

/** As the SDK has them. */
interface Failure extends Error {
  readonly code?: string;
  readonly errors?: readonly Failure[];
  readonly $metadata?: { readonly httpStatusCode?: number };
}

type Reason = readonly [why: (where: Where) => string, hint: string];

const CREDENTIALS = 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), or AWS_PROFILE, for this store.';
const RENEW = 'Renew them, and run the same command again.';
const REGION = 'Name its region in AWS_REGION.';
const CERTIFICATE = 'Name the file of its certificate authority in NODE_EXTRA_CA_CERTS.';
const ADDRESS = 'Is it running? Check AWS_ENDPOINT_URL, and AWS_REGION for Amazon S3.';
const AGAIN = 'Run the same command again: what is there stays.';
const ROOM = 'Make room in it, or name another store.';

const NO_BUCKET: Reason = [({ bucket, host }) => `there is no bucket ${bucket} at ${host}`, 'Create the bucket, or correct its name.'];
const DENIED: Reason = [
  ({ host }) => `${host} denies it`,
  'The user needs s3:PutObject, s3:GetObject and s3:DeleteObject for the objects of the bucket, and s3:ListBucket for the bucket.',
];
const OTHER_REGION: Reason = [({ bucket, host }) => `the bucket ${bucket} is in another region than ${host}`, REGION];
const EXPIRED: Reason = [({ host }) => `the credentials for ${host} have expired`, RENEW];
const FULL: Reason = [({ host }) => `${host} has no room left`, ROOM];

/** By the names that S3 and MinIO give. They stay as long as nobody does something. */
const REFUSALS: Readonly<Record<string, Reason>> = {
  NoSuchBucket: NO_BUCKET,
  AccessDenied: DENIED,
  Forbidden: DENIED,
  InvalidAccessKeyId: [({ host }) => `${host} does not know the access key`, CREDENTIALS],
  SignatureDoesNotMatch: [({ host }) => `the secret key is not the one that ${host} knows`, CREDENTIALS],
  InvalidToken: [({ host }) => `${host} does not take the session token`, CREDENTIALS],
  InvalidClientTokenId: [({ host }) => `${host} does not take the session token`, CREDENTIALS],
  ExpiredToken: EXPIRED,
  ExpiredTokenException: EXPIRED,
  TokenRefreshRequired: EXPIRED,
  CredentialsProviderError: [({ host }) => `there are no credentials for ${host}`, CREDENTIALS],
  RequestTimeTooSkewed: [({ host }) => `the clocks of this machine and of ${host} differ`, 'Set the clock of this machine.'],
  PermanentRedirect: OTHER_REGION,
  AuthorizationHeaderMalformed: OTHER_REGION,
  IllegalLocationConstraintException: OTHER_REGION,
  KeyTooLongError: [() => 'its name is too long', 'Choose a shorter one.'],
  EntityTooLarge: [({ host }) => `it is larger than ${host} takes`, 'Name another store.'],
  QuotaExceeded: FULL,
  XMinioStorageFull: FULL,
  InsufficientStorage: FULL,
};

/** By the codes of the system and of TLS. */
const UNREACHED: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  ECONNREFUSED: ['it refuses the connection', ADDRESS],
  ENOTFOUND: ['there is no such host', ADDRESS],
  EAI_AGAIN: ['the name of the host cannot be looked up', ADDRESS],
  EHOSTUNREACH: ['the host cannot be reached', ADDRESS],
  ENETUNREACH: ['the network cannot be reached', ADDRESS],
  ETIMEDOUT: ['it takes too long', ADDRESS],
  TimeoutError: ['it takes too long', ADDRESS],
  ECONNRESET: ['the connection broke off', AGAIN],
  EPIPE: ['the connection broke off', AGAIN],
  EPROTO: ['it does not speak TLS', 'Is its address http://? Check AWS_ENDPOINT_URL.'],
  SELF_SIGNED_CERT_IN_CHAIN: ['its certificate is not trusted', CERTIFICATE],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['its certificate is not trusted', CERTIFICATE],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['its certificate is not trusted', CERTIFICATE],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['its certificate is not trusted', CERTIFICATE],
  CERT_HAS_EXPIRED: ['its certificate has expired', 'Renew it, or set the clock of this machine.'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['its certificate is for another host', ADDRESS],
};

export function statusOf(error: unknown): number | undefined {
  return (error as Failure).$metadata?.httpStatusCode;
}

/**
 * `problem`: what could not be done. ERR_IO where the store refuses; ERR_NETWORK where it is not reached or fails, which may pass. Errors of
 * the package stay as they are. Of the SDK's, only name and message are kept: their fields hold tokens.
 */
export function objectFault(problem: string, error: unknown, where: Where): InterrogatorError {
  if (error instanceof InterrogatorError) return error;
  const failure = (error as Failure).errors?.[0] ?? (error as Failure);
  const { name, message, code = name } = failure;
  const cause = new Error(`${name}: ${message}`);
  const status = statusOf(error);
  const say = (kind: 'ERR_IO' | 'ERR_NETWORK', why: string, hint?: string): InterrogatorError =>
    new InterrogatorError(kind, `${problem}: ${why}.`, { cause, ...(hint && { hint }) });

  const refusal = REFUSALS[name] ?? (status === 401 || status === 403 ? DENIED : status === 301 ? OTHER_REGION : undefined);
  if (refusal) return say('ERR_IO', refusal[0](where), refusal[1]);
  const unreached = UNREACHED[code];
  if (unreached) return say('ERR_NETWORK', `${where.host}: ${unreached[0]}`, unreached[1]);
  if (/Deserialization error|char .* is not expected/i.test(message)) {
    return say('ERR_NETWORK', `what answers at ${where.host} does not speak S3`, 'Check AWS_ENDPOINT_URL.');
  }
  if (status !== undefined && (status >= 500 || status === 429)) {
    return say('ERR_NETWORK', `${where.host} fails or is busy (${status} ${name})`, AGAIN);
  }
  return status === undefined
    ? say('ERR_NETWORK', `${where.host}: ${message}`, ADDRESS)
    : say('ERR_IO', `${where.host} answers ${status} ${name}${message === 'UnknownError' ? '' : `, ${message.replace(/\.$/, '')}`}`);
}
