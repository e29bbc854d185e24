import { setImmediate as turn } from 'node:timers/promises';
import { DeviceQueue, type Load } from '../../../lib/server/queue/device-queue';

const forever = new AbortController().signal;
const LOAD: Load = { kind: 'fast', units: 1, places: 1 };

/** A device on which each unit takes a second of a clock that is turned by hand. */
function device({ maxWait = 10, places = 2, maxWaiting = 1000 } = {}) {
  let time = 0;
  const queue = new DeviceQueue({ maxWait, maxWaiting, places, now: () => time });
  const running: (() => void)[] = [];
  const log: string[] = [];
  const send = async (client: string, load: Load = LOAD, signal = forever): Promise<void> => {
    using ticket = queue.admit(client, load);
    for (let unit = 0; unit < load.units; unit += 1) {
      await ticket.run(signal, () => new Promise<void>((resolve) => running.push(resolve)));
      log.push(client);
    }
  };
  /** Lets so much time pass, in which the units that run end, in turn. */
  const work = async (seconds: number): Promise<void> => {
    for (let i = 0; i < seconds; i += 1) {
      await turn();
      time += 1;
      running.shift()?.();
      await turn();
      await turn();
    }
  };
  return { queue, send, work, log, running };
}

async function learnt(options: Parameters<typeof device>[0] = {}) {
  const made = device(options);
  // By itself: a second a unit.
  const first = made.send('teacher');
  await made.work(1);
  await first;
  made.log.length = 0;
  return made;
}

test('so many units run at the same time as there are places', async () => {
  const { send, queue, work } = await learnt({ places: 3 });
  const all = Array.from({ length: 8 }, () => send('a'));
  await turn();
  expect(queue.counts).toMatchObject({ running: 3, waiting: 5 });
  await work(8);
  await Promise.all(all);
  expect(queue.counts).toMatchObject({ running: 0, waiting: 0, waitSeconds: 0 });
});

test('a request is refused at once where more than the bound is ahead of it, and told when to come again', async () => {
  const { send, work } = await learnt({ maxWait: 10, places: 2 });
  const accepted: Promise<void>[] = [];
  const refusals: { status: number; retryAfter: number }[] = [];
  for (let i = 0; i < 30; i += 1) {
    const sent = send('a').catch((error) => void refusals.push(error));
    await turn();
    if (refusals.length === 0) accepted.push(sent);
  }
  expect(accepted.length).toBeGreaterThanOrEqual(8);
  expect(accepted.length).toBeLessThanOrEqual(12);
  expect(refusals.length).toBe(30 - accepted.length);
  for (const { status, retryAfter } of refusals) {
    expect(status).toBe(429);
    expect(retryAfter).toBeGreaterThanOrEqual(1);
  }
  await work(12);
  await Promise.all(accepted);
  // There is room again.
  const late = send('a');
  await work(1);
  await late;
});

test('a client that fills the queue leaves room for another one', async () => {
  const { send, work, log } = await learnt({ maxWait: 10, places: 1 });
  const flood = Array.from({ length: 40 }, () => send('flood').catch(() => 'refused'));
  await turn();
  const other = send('other');
  await work(4);
  await other;
  expect(log.indexOf('other')).toBeLessThanOrEqual(2);
  await work(40);
  await Promise.all(flood);
});

test('a long request of many units takes turns with a short one', async () => {
  const { send, work, log } = await learnt({ maxWait: 100, places: 1 });
  const long = send('long', { ...LOAD, units: 20 });
  await turn();
  const short = send('short');
  await work(3);
  await short;
  expect(log.filter((each) => each === 'long').length).toBeLessThanOrEqual(2);
  await work(20);
  await long;
});

test('who gives up waits no more, and is ahead of nobody', async () => {
  const { send, queue, work } = await learnt({ places: 1 });
  const running = send('a');
  await turn();
  const abort = new AbortController();
  const left = send('b', LOAD, abort.signal);
  const ended = expect(left).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  await turn();
  expect(queue.counts.waiting).toBe(1);
  abort.abort();
  await ended;
  expect(queue.counts.waiting).toBe(0);
  expect(queue.counts.waitSeconds).toBeLessThanOrEqual(1);
  await work(1);
  await running;
});

test('a chain takes its places, and is not passed by small ones for ever', async () => {
  const { send, queue, work, log } = await learnt({ maxWait: 100, places: 4 });
  const small = Array.from({ length: 4 }, () => send('small'));
  await turn();
  const chain = send('chain', { kind: 'best', units: 1, places: 4 });
  const more = Array.from({ length: 8 }, () => send('small'));
  await work(13);
  await Promise.all([...small, chain, ...more]);
  expect(log.indexOf('chain')).toBeLessThan(log.length - 1);
  expect(queue.counts).toMatchObject({ running: 0, waiting: 0 });
});

test('there is a bound in number, too', async () => {
  const { send, work } = await learnt({ maxWait: 1e6, maxWaiting: 5 });
  const results = Promise.allSettled(Array.from({ length: 9 }, () => send('a')));
  await work(9);
  expect((await results).filter(({ status }) => status === 'rejected')).toHaveLength(4);
});

test('what waited longer than it was told is refused after all', async () => {
  const queue = new DeviceQueue({ maxWait: 0.05, maxWaiting: 10, places: 1 });
  using first = queue.admit('a', LOAD);
  let end = (): void => {};
  const running = first.run(forever, () => new Promise<void>((resolve) => (end = resolve)));
  await turn();
  // Nothing was measured yet: the guess may let it in, or not.
  let second: ReturnType<DeviceQueue['admit']> | undefined;
  try {
    second = queue.admit('b', { ...LOAD, units: 0 });
  } catch {
    // It was refused at once.
  }
  if (second) await expect(second.run(forever, async () => {})).rejects.toMatchObject({ status: 429 });
  second?.[Symbol.dispose]();
  end();
  await running;
});
