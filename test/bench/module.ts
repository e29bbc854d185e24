/** The benchmarks' own modules, which are JavaScript modules without types. */
import path from 'node:path';

export const BENCH = path.join(__dirname, '..', '..', 'bench');

// biome-ignore lint/suspicious/noExplicitAny: there are no types.
export function benchModule(name: string): Promise<any> {
  return import(path.join(BENCH, name));
}
