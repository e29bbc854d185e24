/** Names of results. */
import { InterrogatorError } from '../../errors';
import { TEMPORARY_BASE } from '../../run/outputs/temporary';

/** What is being written, and marks of those who write, are named so. They are no results. */
export const HIDDEN = `.${TEMPORARY_BASE}.`;

/** The name. Throws ERR_INVALID_ARGUMENT for one that a folder or a store of objects does not take, or that leads elsewhere. */
export function checkName(name: string): string {
  const parts = name.split('/');
  const isName =
    parts.every((part) => part !== '' && part !== '.' && part !== '..' && !part.startsWith(HIDDEN)) &&
    !/[\0-\x1f\x7f]/.test(name) &&
    // Half of a surrogate pair has no bytes.
    Buffer.from(name).toString() === name;
  if (isName) return name;
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${JSON.stringify(name)} is no name of a result.`, {
    hint: 'Names are like shards/000012.jsonl: no empty parts, no . and .., no control characters.',
  });
}

/** The prefix. Throws ERR_INVALID_ARGUMENT for one that all names have. */
export function checkRemoved(prefix: string): string {
  if (prefix !== '') return prefix;
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', 'remove: expected a prefix: without one all that is there would go.');
}

/** Whether a path has a part that is no result's. */
export function isHidden(name: string): boolean {
  return name.startsWith(HIDDEN) || name.includes(`/${HIDDEN}`);
}
