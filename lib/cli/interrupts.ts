/** Ctrl-C, and what a system sends to end a process: the work stops at its next step. */
const INTERRUPTS = ['SIGINT', 'SIGTERM'];

/** Runs `work` with a signal that fires with the first interrupt; a second one ends the process at once. */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const leave = onInterrupts(() => controller.abort(new Error('Interrupted')));
  try {
    return await work(controller.signal);
  } finally {
    leave();
  }
}

/** Calls `stop` at the first interrupt; a second one ends the process at once. Returns what ends the listening. */
export function onInterrupts(stop: () => void): () => void {
  const interrupt = (): void => {
    leave();
    stop();
  };
  const leave = (): void => {
    for (const name of INTERRUPTS) process.removeListener(name, interrupt);
  };
  for (const name of INTERRUPTS) process.once(name, interrupt);
  return leave;
}
