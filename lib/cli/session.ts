/** One command's run: an interrogator that is always disposed, and Ctrl-C that stops at the next step. */
import { setMaxListeners } from 'node:events';
import { AbortError, type Config, Interrogator } from '../index';
import { EXIT } from './failure';

/** Resolves with the exit code, where `work` resolves with the number of inputs that failed. */
export async function withInterrogator(
  config: Config,
  work: (interrogator: Interrogator, signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const controller = new AbortController();
  const { signal } = controller;
  // All calls that run at the same time listen to it.
  setMaxListeners(0, signal);
  const interrupt = (): void => controller.abort(new Error('Interrupted'));
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    const interrogator = await Interrogator.create(config, { signal });
    try {
      const failures = await work(interrogator, signal);
      if (signal.aborted) throw new AbortError(signal.reason);
      return failures > 0 ? EXIT.failed : EXIT.ok;
    } finally {
      await interrogator.dispose();
    }
  } finally {
    process.removeListener('SIGINT', interrupt);
    process.removeListener('SIGTERM', interrupt);
  }
}
