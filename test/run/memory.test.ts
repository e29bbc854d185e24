/** What waits in memory for its turn is bounded by its bytes. */
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pack } from 'tar-stream';
import { type Interrogator, runFolder } from '../../lib';
import { LEDGER_FILE } from '../../lib/run/ledger/ledger';
import { openSample } from './support/sample';

const MEBIBYTE = 1 << 20;
let work: string;
let interrogator: Interrogator;
let server: Server;
beforeAll(async () => {
  work = mkdtempSync(path.join(os.tmpdir(), 'memory-'));
  interrogator = await openSample();
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await interrogator.dispose();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(work, { recursive: true, force: true });
});

/** Members of zeros, which take no room on the disk. */
async function writeShard(file: string, count: number, size: number): Promise<void> {
  const descriptor = openSync(file, 'w');
  for (let i = 0; i < count; i += 1) {
    const tar = pack();
    tar.entry({ name: `${i}.png`, size }).on('error', () => {});
    const { value: header } = await tar[Symbol.asyncIterator]().next();
    writeSync(descriptor, header as Buffer, 0, 512, i * (512 + size));
  }
  ftruncateSync(descriptor, count * (512 + size) + 1024);
  closeSync(descriptor);
}

test('behind a picture that lasts, large members of a shard are not read on beyond the bound', async () => {
  const [count, size] = [4, 128 * MEBIBYTE];
  const shard = path.join(work, 'large.tar');
  await writeShard(shard, count, size);
  let answer = (): void => {};
  const asked = new Promise<void>((resolve) => {
    server.once('request', (_, response) => {
      answer = () => response.end('no picture');
      resolve();
    });
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/slow.png`;
  const state = path.join(work, 'state');
  const linesOf = (): number => readFileSync(path.join(state, LEDGER_FILE), 'utf8').split('large.tar/').length - 1;
  const run = runFolder([url, shard], { interrogators: [interrogator], task: { kind: 'features' }, state }).finish();
  await asked;
  while (linesOf() < 2) await setTimeout(20);
  // Two are 256 MiB. Reading the next one, and finding out that it is no picture, takes less.
  await setTimeout(1500);
  expect(linesOf()).toBe(2);
  answer();
  expect(await run).toMatchObject({ failed: count + 1, failures: [{ code: 'ERR_IMAGE_FORMAT' }] });
});
