/** One command's run: an interrogator that is always disposed, and Ctrl-C that stops at the next step. */
import type { Config } from '../config';
import { Interrogator } from '../interrogator/interrogator';

export async function withInterrogator<T>(
  config: Config,
  work: (interrogator: Interrogator, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort(new Error('Interrupted'));
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    const interrogator = await Interrogator.create(config, { signal: controller.signal });
    try {
      return await work(interrogator, controller.signal);
    } finally {
      await interrogator.dispose();
    }
  } finally {
    process.removeListener('SIGINT', interrupt);
    process.removeListener('SIGTERM', interrupt);
  }
}
