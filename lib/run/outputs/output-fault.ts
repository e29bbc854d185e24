/** What people read where an output cannot be written. */
import { InterrogatorError } from '../../errors';

const REASONS: Readonly<Record<string, [why: string, hint: string]>> = {
  ENOSPC: ['the disk is full', 'Free some space and run the same command again: nothing is computed twice.'],
  EDQUOT: ["this user's quota is used up", 'Free some space and run the same command again: nothing is computed twice.'],
  EROFS: ['the disk is read-only', 'Write to another folder.'],
  EACCES: ['this user may not', 'Change the permissions of the folder, or write to another one.'],
  EPERM: ['this user may not', 'Change the permissions of the folder, or write to another one.'],
  ENOENT: ['the folder is gone', 'Is a drive or a network share still connected? Run the same command again: nothing is computed twice.'],
  ENOTDIR: ['a part of the path is a file', 'Write to another folder.'],
  EISDIR: ['it is a folder', 'Name a file.'],
  EEXIST: ['a part of the path is a file', 'Write to another folder.'],
  EIO: ['the disk fails', 'Run the same command again when the disk is back: nothing is computed twice.'],
  ESTALE: ['the network share was cut', 'Connect it again and run the same command again: nothing is computed twice.'],
  ENOTCONN: ['the network share was cut', 'Connect it again and run the same command again: nothing is computed twice.'],
  EFBIG: ['the file would be larger than its disk takes', 'Write to another disk.'],
  ENAMETOOLONG: ['the name is too long', 'Choose a shorter one.'],
};

/** ERR_IO, in plain words. Errors of the package stay as they are. */
export function outputFault(file: string, cause: unknown): InterrogatorError {
  if (cause instanceof InterrogatorError) return cause;
  const { code = '', message } = cause as NodeJS.ErrnoException;
  const [why, hint] = REASONS[code] ?? [message, undefined];
  return new InterrogatorError('ERR_IO', `${file} cannot be written: ${why}.`, { cause, ...(hint !== undefined && { hint }) });
}
