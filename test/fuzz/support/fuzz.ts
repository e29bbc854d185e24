/**
 * Seeded fuzzing. A run is a seed and as many numbered cases as fit its time; a case depends on nothing but both, so that a
 * failure is repeated by its number: FUZZ_SEED=7 FUZZ_CASE=1234 npm test -- --only jest -- test/fuzz/NAME.
 * FUZZ_SECONDS makes every run longer.
 */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { Random } from './random';

const SEED = Number(process.env.FUZZ_SEED ?? 1);
const ONLY = process.env.FUZZ_CASE === undefined ? undefined : Number(process.env.FUZZ_CASE);
const CASES = path.join(__dirname, '..', '..', '..', 'build', 'fuzz');

/** Runs `attempt` on one case after the other for `seconds`, at least `least` of them. A failure names its case. */
export async function fuzz(
  name: string,
  { seconds, least = 50 }: { seconds: number; least?: number },
  attempt: (random: Random, number: number) => Promise<void>,
): Promise<void> {
  const end = performance.now() + 1000 * Number(process.env.FUZZ_SECONDS ?? seconds);
  mkdirSync(CASES, { recursive: true });
  // What ends the process leaves its number here.
  const current = openSync(path.join(CASES, `${name}.case`), 'w');
  try {
    for (let number = ONLY ?? 0; number === ONLY || (ONLY === undefined && (number < least || performance.now() < end)); number += 1) {
      writeSync(current, `FUZZ_SEED=${SEED} FUZZ_CASE=${number}      `, 0);
      try {
        await attempt(new Random(SEED, number), number);
      } catch (error) {
        const { message, stack } = error as Error;
        const said = `${name}, FUZZ_SEED=${SEED} FUZZ_CASE=${number}: ${message}`;
        throw Object.assign(new Error(said), { stack: `${said}\n${stack}` });
      }
    }
  } finally {
    closeSync(current);
  }
}

/** Waits for an answer; one that does not come in time counts as a failure, as a hang would. */
export async function answered<T>(promise: Promise<T>, seconds = 60): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${seconds} s`)), seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a call came to: its value, or the typed error that it failed with. Any other failure is thrown on. */
export async function outcome<T>(call: () => T | Promise<T>): Promise<{ value?: T; code?: string; message?: string }> {
  try {
    return { value: await answered(Promise.resolve(call())) };
  } catch (error) {
    const { name, code, message } = error as { name?: string; code?: unknown; message?: string };
    const isOurs = (name === 'InterrogatorError' || name === 'AbortError') && typeof code === 'string' && code.startsWith('ERR_');
    if (!isOurs || !message || code === 'ERR_INTERNAL' || code === 'ERR_RUNTIME' || /\n\s+at |\bc10::|\[native code\]/.test(message))
      throw error;
    return { code, message };
  }
}
