import { Interrogator } from '../../../lib';
import { Refusal } from '../../../lib/server/answers/refusal';
import type { AtDoor } from '../../../lib/server/fleet/worker/at-door';
import { SentTables } from '../../../lib/server/fleet/worker/sent-tables';

let interrogator: Interrogator;
beforeAll(async () => {
  interrogator = await Interrogator.create({ clipModelName: 'sample', captionModelName: null, cachePath: null, quiet: true });
});
afterAll(() => interrogator.dispose());

/** A door that has these lists; what is not there has ended. Says what was fetched. */
function doorWith(lists: Record<string, readonly string[]>): { door: Pick<AtDoor, 'fetch'>; fetched: string[] } {
  const fetched: string[] = [];
  const door = {
    fetch: async (url: string, _: AbortSignal, read: (body: never) => Promise<unknown>) => {
      fetched.push(url);
      await new Promise((resolve) => setTimeout(resolve, 10));
      const labels = lists[url];
      if (!labels) throw new Refusal(499, 'ERR_CLIENT_GONE', 'ended');
      return read({ text: async () => labels.map((label) => `${JSON.stringify(label)}\n`).join('') } as never);
    },
  } as Pick<AtDoor, 'fetch'>;
  return { door, fetched };
}

const ref = (digest: string, labelsAt: string) => ({ name: 'mine', stored: { digest: digest.repeat(64), labelsAt } });
const LABELS = ['a cat', 'two\nlines', 'a dog'];

test('labels are fetched once for all who ask', async () => {
  const { door, fetched } = doorWith({ one: LABELS, two: LABELS, three: LABELS });
  const tables = new SentTables(door);
  const ask = (at: string) => tables.with(ref('a', at), async (name) => (await tables.tableFor(name, interrogator, {})).labels);
  expect(await Promise.all([ask('one'), ask('two')])).toEqual([LABELS, LABELS]);
  expect(await ask('three')).toEqual(LABELS);
  expect(fetched).toEqual(['one']);
});

test('who leaves while the labels are fetched takes them from nobody', async () => {
  const { door, fetched } = doorWith({ two: LABELS });
  const tables = new SentTables(door);
  const client = new AbortController();
  const first = tables.with(ref('b', 'one'), (name) => tables.tableFor(name, interrogator, { signal: client.signal }));
  const second = tables.with(ref('b', 'two'), async (name) => (await tables.tableFor(name, interrogator, {})).labels);
  client.abort();
  await expect(first).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  expect(await second).toEqual(LABELS);
  expect(fetched).toEqual(['one', 'two']);
});

test('a list that nobody lends any more is refused, and fetched anew when it is lent again', async () => {
  const lists: Record<string, readonly string[]> = {};
  const { door } = doorWith(lists);
  const tables = new SentTables(door);
  const ask = (at: string) => tables.with(ref('c', at), async (name) => (await tables.tableFor(name, interrogator, {})).labels);
  await expect(Promise.all([ask('one'), ask('two')])).rejects.toMatchObject({ code: 'ERR_CLIENT_GONE' });
  lists.three = LABELS;
  expect(await ask('three')).toEqual(LABELS);
  await expect(tables.find(`sent ${'c'.repeat(64)}`)).rejects.toMatchObject({ status: 404 });
});

test('tables beyond those of the last lists are made anew', async () => {
  const lists = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`at ${i}`, [`label ${i}`]]));
  const { door, fetched } = doorWith(lists);
  const tables = new SentTables(door);
  const ask = (i: number) =>
    tables.with(ref(String.fromCharCode(97 + i), `at ${i}`), async (name) => (await tables.tableFor(name, interrogator, {})).labels);
  for (let i = 0; i < 17; i += 1) expect(await ask(i)).toEqual([`label ${i}`]);
  await ask(16);
  expect(fetched).toHaveLength(17);
  await ask(0);
  expect(fetched).toHaveLength(18);
});
