/** What an abort signal ends, and what is left on it. */
import { getEventListeners, setMaxListeners } from 'node:events';
import { abandonable } from '../lib/abort';
import { Admission } from '../lib/admission';
import { Config } from '../lib/config';
import { Calls } from '../lib/engine/calls';
import type { NativeBinding } from '../lib/native/types';

const warnings: Error[] = [];
const note = (warning: Error): number => warnings.push(warning);

beforeEach(() => {
  warnings.length = 0;
  process.on('warning', note);
});
afterEach(() => process.off('warning', note));

interface Waits {
  /** A wait that ends with the signal, and whether it was told. */
  begin(signal: AbortSignal): Promise<unknown>;
  /** Lets all that wait go on. */
  end(): void;
}

function nativeCalls(): Waits {
  let cancelled = 0;
  const ends: (() => void)[] = [];
  const cancel = (): void => {
    cancelled += 1;
  };
  const binding = { createCancelToken: () => ({ cancel }) } as unknown as NativeBinding;
  const work = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      ends.push(resolve);
    });
    if (cancelled > 0) throw new Error('cancelled');
  };
  const end = (): void => {
    for (const each of ends) each();
  };
  return { begin: (signal) => new Calls(new Config(), binding).share(signal, () => {}, work), end };
}

/** Everything that waits while a signal may fire. */
const WAYS: Record<string, () => Waits> = {
  "an interrogator's calls": nativeCalls,
  'waits for shared work': () => {
    let end = (): void => {};
    const work = new Promise<void>((resolve) => {
      end = resolve;
    });
    return { begin: (signal) => abandonable(work, signal), end };
  },
  'decodes in the queue': () => {
    const admission = new Admission(1);
    const leave = admission.hold(1);
    return { begin: (signal) => admission.enter(1, signal).then((done) => done()), end: leave };
  },
};

describe.each(Object.keys(WAYS))('%s that share a signal', (name) => {
  test.each([1, 2, 11, 1_000])('%i of them: one listener, no warning, none left at the end', async (count) => {
    const { begin, end } = (WAYS[name] as () => Waits)();
    const { signal } = new AbortController();
    // What a careful user sets, to hear of leaks; the default is no better in some versions of Node.
    setMaxListeners(1, signal);
    const waits = Array.from({ length: count }, () => begin(signal));
    await new Promise(setImmediate);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    end();
    await Promise.all(waits);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(warnings).toEqual([]);
  });

  test.each([1, 2, 11, 1_000])('%i of them all end when it fires, also those that came after others had ended', async (count) => {
    const { begin, end } = (WAYS[name] as () => Waits)();
    const controller = new AbortController();
    const waits = Array.from({ length: count }, () => begin(controller.signal));
    await new Promise(setImmediate);
    controller.abort('enough');
    end();
    for (const outcome of await Promise.allSettled(waits)) expect(outcome.status).toBe('rejected');
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });
});

test('a listener of the user runs all the same, and may abort another signal', async () => {
  const [first, second] = [new AbortController(), new AbortController()];
  first.signal.addEventListener('abort', () => second.abort('chained'));
  const waits = [abandonable(new Promise(() => {}), second.signal), abandonable(new Promise(() => {}), first.signal)];
  first.abort('enough');
  await expect(waits[0]).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'chained' });
  await expect(waits[1]).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });
});
