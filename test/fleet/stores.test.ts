/** The stores of a worker's runs, one for all shards of a run. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { RunSpec } from '../../lib/fleet/runs/spec';
import { Stores } from '../../lib/fleet/work/stores';

const folder = mkdtempSync(path.join(os.tmpdir(), 'stores-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (id: string, state = folder): RunSpec => ({ id, state }) as RunSpec;

test('all shards of a run share a store, those of another one do not', async () => {
  const stores = new Stores();
  const [first, second, other] = await Promise.all([stores.of(run('a')), stores.of(run('a')), stores.of(run('b'))]);
  expect(second).toBe(first);
  expect(other).not.toBe(first);
  expect(await stores.of(run('a'))).toBe(first);
});

test('the store of a run that has ended is closed, and a run that begins again has a new one', async () => {
  const stores = new Stores();
  const [store, other] = [await stores.of(run('a')), await stores.of(run('b'))];
  const closed: unknown[] = [];
  for (const each of [store, other]) each.close = () => closed.push(each);
  await stores.close('a');
  expect(closed).toEqual([store]);
  expect(await stores.of(run('a'))).not.toBe(store);
  await stores.close();
  expect(closed).toEqual([store, other]);
  await stores.close('never opened');
});

test('a store that could not be opened is tried again', async () => {
  const stores = new Stores();
  await expect(stores.of(run('a', 'not absolute'))).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  await expect(stores.of(run('a', 'not absolute'))).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  expect((await stores.of(run('a'))).location).toBe(folder);
  await stores.close();
});
