/** Ctrl-C, and what a system sends to end a process: the work stops at its next step. */
const INTERRUPTS = ['SIGINT', 'SIGTERM'];

/** Runs `work` with a signal that fires with the first interrupt; a second one ends the process at once. */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort(new Error('Interrupted'));
  for (const name of INTERRUPTS) process.once(name, interrupt);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of INTERRUPTS) process.removeListener(name, interrupt);
  }
}
