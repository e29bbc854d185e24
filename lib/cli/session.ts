/** One command's run: an interrogator that is always disposed, and Ctrl-C that stops at the next step. */
import { AbortError, type CallOptions, Config, Interrogator } from '../index';
import { EXIT } from './failure';
import { untilInterrupted } from './interrupts';
import { eraseStatus, showStatus } from './status';

/** What every call of a command is given. */
export type CommandCall = CallOptions & { signal: AbortSignal };

/** Sets the exit code, where `work` resolves with the number of inputs that failed. */
export async function withInterrogator(
  config: Config,
  work: (interrogator: Interrogator, call: CommandCall) => Promise<number>,
): Promise<void> {
  await untilInterrupted(async (signal) => {
    const call: CommandCall = { signal, ...(!config.quiet && { onProgress: showStatus }) };
    try {
      // Lines and progress may share the terminal, so that the API's own bars are off.
      await using interrogator = await Interrogator.create(new Config({ ...config, quiet: true }), call);
      const failures = await work(interrogator, call);
      if (signal.aborted) throw new AbortError(signal.reason);
      process.exitCode = failures > 0 ? EXIT.failed : EXIT.ok;
    } finally {
      eraseStatus();
    }
  });
}
