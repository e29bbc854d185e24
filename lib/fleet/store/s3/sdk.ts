/** The packages that speak S3: installed by those who need them, and loaded when a store of objects is opened. */
import { InterrogatorError } from '../../../errors';

/** The versions that this one was tried with. */
const PACKAGES = '@aws-sdk/client-s3@3.1175.0 @aws-sdk/lib-storage@3.1175.0';

export interface Sdk {
  readonly s3: typeof import('@aws-sdk/client-s3');
  readonly storage: typeof import('@aws-sdk/lib-storage');
}

/** Throws ERR_INVALID_ARGUMENT where they are not installed. */
export function loadSdk(): Sdk {
  try {
    return {
      s3: require('@aws-sdk/client-s3') as typeof import('@aws-sdk/client-s3'),
      storage: require('@aws-sdk/lib-storage') as typeof import('@aws-sdk/lib-storage'),
    };
  } catch (cause) {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', 's3:// is spoken by the AWS SDK, which is not installed.', {
      hint: `Install it beside this package: npm install ${PACKAGES}`,
      cause,
    });
  }
}
