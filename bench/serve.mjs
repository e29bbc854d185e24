/** Programs of ours that are asked by JSON lines, as the Python peer is. */
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT } from '../scripts/step.mjs';
import { ReferenceProcess } from '../test/parity/reference-process.cjs';

/** Starts a module of bench/ in a process of its own. `echo`: what it says on stderr is shown. */
export function startModule(name, settings) {
  return new ReferenceProcess(process.execPath, path.join(ROOT, 'bench', name), settings);
}

/** Answers {id, call, arguments} from stdin, a line each, with {id, result} or {id, error}. What libraries print goes to stderr. */
export async function serve(calls) {
  const answer = process.stdout.write.bind(process.stdout);
  process.stdout.write = process.stderr.write.bind(process.stderr);
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, call, arguments: given } = JSON.parse(line);
    const answered = await calls[call](given).then(
      (result) => ({ id, result }),
      (error) => ({ id, error: error.stack }),
    );
    answer(`${JSON.stringify(answered)}\n`);
  }
  // Whoever asked has ended: models that are still open must not keep the process.
  process.exit();
}
