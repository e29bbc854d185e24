/** The thread that hashes a bundle's files, whose paths it is given. It answers once, with a SHA-256 in hexadecimal digits for each. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const buffer = Buffer.allocUnsafe(1 << 20);

function sha256Of(file: string): string {
  const hash = createHash('sha256');
  const descriptor = openSync(file, 'r');
  try {
    for (let size = buffer.length; size > 0; ) {
      size = readSync(descriptor, buffer);
      hash.update(buffer.subarray(0, size));
    }
  } finally {
    closeSync(descriptor);
  }
  return hash.digest('hex');
}

parentPort?.postMessage((workerData as string[]).map(sha256Of));
