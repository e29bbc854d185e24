/** Warnings as a person reads them. Node's own form has the process's number and an option of its own in it. */
import { eraseStatus } from './status';

/** From now on. Where Node was told to print none, none are. */
export function printWarnings(): void {
  if (process.listenerCount('warning') === 0) return;
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message, code }: Error & { code?: string }) => {
    eraseStatus();
    process.stderr.write(name === 'TorchInterrogatorWarning' ? `warning: ${message} (${code})\n` : `${name}: ${message}\n`);
  });
}
