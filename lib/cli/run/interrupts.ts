/** Ctrl-C, and what a system sends to end a process. */
const SIGNALS = ['SIGINT', 'SIGTERM'];

/** Calls `stop` at the first; the second ends the process at once. Returns what ends the listening. */
export function onInterrupts(stop: () => void): () => void {
  const interrupt = (): void => {
    leave();
    stop();
  };
  const leave = (): void => {
    for (const name of SIGNALS) process.removeListener(name, interrupt);
  };
  for (const name of SIGNALS) process.once(name, interrupt);
  return leave;
}
