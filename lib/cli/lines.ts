/** What commands print: a line for each input, in the order of the inputs, which names the input whether it failed or not. */
import { describeFailure, failureRecord } from './failure';
import { eraseStatus } from './status';

/** Inputs that are worked on together: one image, or a few texts. */
export interface Work<R> {
  names: readonly string[];
  /** Gives one record for each name. */
  run(signal: AbortSignal): Promise<readonly R[]>;
}

export interface LineOptions<R> {
  /** What the inputs are called in JSON: `{"image": name, …}`. */
  kind: 'image' | 'text';
  json?: boolean;
  /** A record for a person to read. The name and a tab go before each line. */
  toText(record: R): string[];
  /** Works that run at the same time. */
  concurrency: number;
  signal: AbortSignal;
}

/** Prints each work's lines as soon as those before it are out. Resolves with the number of inputs that failed. */
export async function printLines<R extends object>(works: AsyncIterable<Work<R>>, options: LineOptions<R>): Promise<number> {
  const { kind, json, toText } = options;
  let failures = 0;
  for await (const { names, records, error } of inOrder(works, options)) {
    if (error) failures += names.length;
    eraseStatus();
    for (const [i, name] of names.entries()) {
      const record = records?.[i];
      if (json && (record || error)) print(JSON.stringify({ [kind]: name, ...(record ?? { error: failureRecord(error) }) }));
      else if (record) for (const line of toText(record)) print(`${onOneLine(name)}\t${line}`);
      else if (error) for (const line of describeFailure(error).split('\n')) console.error(`${onOneLine(name)}: ${line}`);
    }
  }
  return failures;
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** What became of a work; neither records nor an error where it was interrupted. */
interface Outcome<R> {
  names: readonly string[];
  records?: readonly R[];
  error?: unknown;
}

async function* inOrder<R>(works: AsyncIterable<Work<R>>, { concurrency, signal }: LineOptions<R>): AsyncGenerator<Outcome<R>> {
  const running: Promise<Outcome<R>>[] = [];
  for await (const work of works) {
    if (signal.aborted) break;
    running.push(outcomeOf(work, signal));
    if (running.length >= concurrency) yield running.shift() as Promise<Outcome<R>>;
  }
  // After Ctrl-C too: what was done by then is not lost.
  yield* running;
}

async function outcomeOf<R>({ names, run }: Work<R>, signal: AbortSignal): Promise<Outcome<R>> {
  try {
    return { names, records: await run(signal) };
  } catch (error) {
    return signal.aborted ? { names } : { names, error };
  }
}

/** Control characters of a file's name would break the line, or steer the terminal. */
export function onOneLine(name: string): string {
  return name.replace(/[\0-\x1f\x7f-\x9f]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
