/** A shard needs the pictures' bytes a second time, when they may be gone. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { type Interrogator, runFolder } from '../../../lib';
import { encoded } from '../support/picture-set';
import { openSample } from '../support/sample';

let work: string;
let interrogator: Interrogator;
let server: Server;
let url: string;
/** What a second request is answered. */
let again: (response: ServerResponse) => void;

beforeAll(async () => {
  interrogator = await openSample();
});
afterAll(() => interrogator.dispose());
beforeEach(async () => {
  work = mkdtempSync(path.join(os.tmpdir(), 'shard-out-'));
  writeFileSync(path.join(work, 'a.png'), await encoded(1, 'png'));
  const bytes = await encoded(2, 'png');
  let requests = 0;
  server = createServer((_, response) => {
    requests += 1;
    if (requests === 1) response.end(bytes);
    else again(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/b.png`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(work, { recursive: true, force: true });
});

const start = (signal?: AbortSignal) =>
  runFolder([path.join(work, 'a.png'), url], {
    interrogators: [interrogator],
    task: { kind: 'interrogate', modes: ['fast'] },
    out: [path.join(work, 'out.tar'), path.join(work, 'out.jsonl')],
    ...(signal && { signal }),
  });

test('a picture that is gone by then counts as failed, with its reason, and is in the other outputs', async () => {
  again = (response) => response.writeHead(410).end();
  const summary = await start().finish();
  expect(summary).toMatchObject({ done: 1, failed: 1, failures: [{ code: 'ERR_NETWORK', count: 1 }] });
  expect(summary.failures[0]?.examples).toMatchObject([
    { name: url, error: { message: expect.stringMatching(/is not in .*out\.tar.*410/) } },
  ]);
  expect(
    execFileSync('tar', ['-tf', path.join(work, 'out.tar')], { encoding: 'utf8' })
      .trim()
      .split('\n'),
  ).toEqual(['00000000.png', '00000000.txt', '00000000.json']);
  const lines = readFileSync(path.join(work, 'out.jsonl'), 'utf8').trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ prompt: expect.any(String) }, { image: url, prompt: expect.any(String) }]);
});

test('the signal ends a second reading that does not come to its end', async () => {
  const controller = new AbortController();
  again = () => controller.abort();
  await expect(start(controller.signal).finish()).rejects.toMatchObject({ code: 'ERR_ABORTED' });
});
