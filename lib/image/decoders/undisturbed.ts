/**
 * What a thread must not be ended in the middle of: the making of a zlib stream. Node.js 20 aborts the whole process where a thread ends
 * between the stream's constructor and its set-up (src/node_zlib.cc: "close before init").
 */
type Guard = <T>(work: () => T) => T;

let guard: Guard = (work) => work();

export function undisturbed<T>(work: () => T): T {
  return guard(work);
}

/** In a decode thread: how its end is kept off. */
export function keepUndisturbed(how: Guard): void {
  guard = how;
}
