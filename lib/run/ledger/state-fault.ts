/** What people read where the state of a run cannot be read or written. */
import { InterrogatorError } from '../../errors';

const REASONS: Readonly<Record<string, [why: string, hint: string]>> = {
  ENOSPC: ['its disk is full', 'Free some space and run the same command again: it goes on where it was.'],
  EDQUOT: ["this user's quota is used up", 'Free some space and run the same command again: it goes on where it was.'],
  EROFS: ['its disk is read-only', 'Name another folder with the option state (--state DIR).'],
  EACCES: ['this user may not', 'Change its permissions, or name another folder with the option state (--state DIR).'],
  EPERM: ['this user may not', 'Change its permissions, or name another folder with the option state (--state DIR).'],
  ENOENT: ['it is gone', 'Is a drive or a network share still connected? Run the same command again: it goes on where it was.'],
  ESTALE: ['its network share was cut', 'Connect it again and run the same command again: it goes on where it was.'],
  EIO: ['its disk fails', 'Run the same command again when the disk is back: it goes on where it was.'],
  ENOTDIR: ['a part of the path is a file', 'Name another folder with the option state (--state DIR).'],
  EEXIST: ['there is a file in its place', 'Name another folder with the option state (--state DIR).'],
};

/** ERR_IO, in plain words. Errors of the package stay as they are. */
export function stateFault(folder: string, cause: unknown): unknown {
  if (cause instanceof InterrogatorError) return cause;
  const { code = '', message } = cause as NodeJS.ErrnoException;
  const [why, hint] = REASONS[code] ?? [message, undefined];
  const problem = `The state of the run cannot be kept in ${folder}: ${why}.`;
  return new InterrogatorError('ERR_IO', problem, { cause, ...(hint !== undefined && { hint }) });
}
