/** One command's run: an interrogator that is always disposed, and Ctrl-C that stops at the next step. */
import { AbortError, type CallOptions, Config, Interrogator } from '../index';
import { EXIT } from './failure';
import { eraseStatus, showStatus } from './status';

/** What every call of a command is given. */
export type CommandCall = CallOptions & { signal: AbortSignal };

/** Sets the exit code, where `work` resolves with the number of inputs that failed. */
export async function withInterrogator(
  config: Config,
  work: (interrogator: Interrogator, call: CommandCall) => Promise<number>,
): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  // Where lines and progress share the terminal.
  const hasTerminal = Boolean(process.stdout.isTTY && process.stderr.isTTY);
  const call = { signal, ...(hasTerminal && !config.quiet && { onProgress: showStatus }) };
  const interrupt = (): void => controller.abort(new Error('Interrupted'));
  for (const name of INTERRUPTS) process.once(name, interrupt);
  try {
    await using interrogator = await Interrogator.create(new Config({ ...config, quiet: config.quiet || hasTerminal }), call);
    const failures = await work(interrogator, call);
    if (signal.aborted) throw new AbortError(signal.reason);
    process.exitCode = failures > 0 ? EXIT.failed : EXIT.ok;
  } finally {
    eraseStatus();
    for (const name of INTERRUPTS) process.removeListener(name, interrupt);
  }
}

const INTERRUPTS = ['SIGINT', 'SIGTERM'];
