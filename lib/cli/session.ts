/** One command's run: an interrogator that is always disposed, and Ctrl-C that stops at the next step. */
import { setMaxListeners } from 'node:events';
import { AbortError, Config, Interrogator, type ProgressListener } from '../index';
import { EXIT } from './failure';
import { eraseStatus, showStatus } from './status';

/** What every call of a command is given. */
export interface CommandCall {
  signal: AbortSignal;
  onProgress?: ProgressListener;
}

/** Resolves with the exit code, where `work` resolves with the number of inputs that failed. */
export async function withInterrogator(
  config: Config,
  work: (interrogator: Interrogator, call: CommandCall) => Promise<number>,
): Promise<number> {
  const controller = new AbortController();
  const { signal } = controller;
  // All calls that run at the same time listen to it.
  setMaxListeners(0, signal);
  // Where lines and progress share the terminal.
  const hasTerminal = Boolean(process.stdout.isTTY && process.stderr.isTTY);
  const call = { signal, ...(hasTerminal && !config.quiet && { onProgress: showStatus }) };
  const interrupt = (): void => controller.abort(new Error('Interrupted'));
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    const interrogator = await Interrogator.create(new Config({ ...config, quiet: config.quiet || hasTerminal }), call);
    try {
      const failures = await work(interrogator, call);
      if (signal.aborted) throw new AbortError(signal.reason);
      return failures > 0 ? EXIT.failed : EXIT.ok;
    } finally {
      await interrogator.dispose();
    }
  } finally {
    eraseStatus();
    process.removeListener('SIGINT', interrupt);
    process.removeListener('SIGTERM', interrupt);
  }
}
