/** The door itself, as one that asks: for what it then knows for everybody. */
import { type Caller, NO_TRACE, noTimes } from '../../work/caller';

export function own(): Caller {
  return { id: 'server', signal: new AbortController().signal, times: noTimes(), trace: NO_TRACE, isWatched: false, report: () => {} };
}
