/** What people read where a file of a run cannot be read or written. */
import { InterrogatorError } from '../errors';

/** What is to be done, by whom it is told. */
interface Advice {
  /** What the same command does once there is room again, or the disk is back. */
  again: string;
  /** Where else to write. */
  elsewhere: string;
}

type Reason = readonly [why: string, hint: (advice: Advice) => string];

const REASONS: Readonly<Record<string, Reason>> = {
  ENOSPC: ['the disk is full', ({ again }) => `Free some space and run the same command again: ${again}.`],
  EDQUOT: ["this user's quota is used up", ({ again }) => `Free some space and run the same command again: ${again}.`],
  EROFS: ['the disk is read-only', ({ elsewhere }) => `${elsewhere}.`],
  EACCES: ['this user may not', ({ elsewhere }) => `Change the permissions of the folder, or: ${elsewhere}.`],
  EPERM: ['this user may not', ({ elsewhere }) => `Change the permissions of the folder, or: ${elsewhere}.`],
  ENOENT: ['the folder is gone', ({ again }) => `Is a drive or a network share still connected? Run the same command again: ${again}.`],
  EIO: ['the disk fails', ({ again }) => `Run the same command again when the disk is back: ${again}.`],
  ESTALE: ['the network share was cut', ({ again }) => `Connect it again and run the same command again: ${again}.`],
  ENOTCONN: ['the network share was cut', ({ again }) => `Connect it again and run the same command again: ${again}.`],
  ENOTDIR: ['a part of the path is a file', ({ elsewhere }) => `${elsewhere}.`],
  EEXIST: ['a part of the path is a file', ({ elsewhere }) => `${elsewhere}.`],
  EISDIR: ['it is a folder', () => 'Name a file.'],
  EFBIG: ['the file would be larger than its disk takes', ({ elsewhere }) => `${elsewhere}.`],
  ENAMETOOLONG: ['the name is too long', () => 'Choose a shorter one.'],
};

/** ERR_IO, in plain words, of the folder that keeps a run's state. Errors of the package stay as they are. */
export function stateFault(folder: string, cause: unknown): InterrogatorError {
  const advice = { again: 'it goes on where it was', elsewhere: 'Name another folder with the option state (--state DIR)' };
  return fault(`The state of the run cannot be kept in ${folder}`, cause, advice);
}

/** ERR_IO, in plain words, of an output. Errors of the package stay as they are. */
export function outputFault(file: string, cause: unknown): InterrogatorError {
  return fault(`${file} cannot be written`, cause, { again: 'nothing is computed twice', elsewhere: 'Write to another folder' });
}

function fault(problem: string, cause: unknown, advice: Advice): InterrogatorError {
  if (cause instanceof InterrogatorError) return cause;
  const { code = '', message } = cause as NodeJS.ErrnoException;
  const [why, hint] = REASONS[code] ?? [message];
  return new InterrogatorError('ERR_IO', `${problem}: ${why}.`, { cause, ...(hint && { hint: hint(advice) }) });
}
