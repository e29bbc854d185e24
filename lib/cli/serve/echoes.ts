/**
 * Signals that come twice. What starts a program, such as npx, hands a signal on that systemd or the terminal has already sent to both: the
 * second one at once is an echo, and nobody who wants the program to end without finishing.
 */

/** A person needs longer to press Ctrl-C again. */
const ECHO_MS = 500;

/** To be called at the first signal: for a moment no listener hears another. */
export function ignoreEchoes(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const listeners = process.listeners(signal);
    const ignore = (): void => {};
    process.removeAllListeners(signal);
    // Without any listener it would end the process.
    process.on(signal, ignore);
    setTimeout(() => {
      for (const each of listeners) process.on(signal, each);
      process.removeListener(signal, ignore);
    }, ECHO_MS).unref();
  }
}
