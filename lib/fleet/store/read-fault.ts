/** What people read where a file cannot be read. */
import { InterrogatorError } from '../../errors';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there',
  ENOTDIR: 'it is not there',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not',
  EPERM: 'this user may not',
  EIO: 'the disk fails',
  ESTALE: 'the network share was cut, or the file is gone',
  ENOTCONN: 'the network share was cut',
};

/** Whether this says that there is no such file. */
export function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** ERR_IO. Errors of the package stay as they are. */
export function readFault(file: string, cause: unknown): InterrogatorError {
  if (cause instanceof InterrogatorError) return cause;
  const { code = '', message } = cause as NodeJS.ErrnoException;
  return new InterrogatorError('ERR_IO', `${file} cannot be read: ${REASONS[code] ?? message}.`, { cause });
}
