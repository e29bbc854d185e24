/** The runs of a fleet in Chromium: none yet, one without workers, one that ends with a failure; and the queues. */
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { WorkerProcess } from '../fleet/support/fleet-process';
import { TestRedis } from '../fleet/support/redis';
import { faults, isTooWide } from './faults';
import { APPLE, hasBrowser, IMAGES, launch, open, Served, until } from './served';

let folder: string;
let redis: TestRedis;
let server: Served;
let proxy: Server;
let browser: Browser;
let worker: WorkerProcess | undefined;
const described = hasBrowser ? describe : describe.skip;

beforeAll(async () => {
  if (!hasBrowser) return;
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'runs-')));
  cpSync(IMAGES, path.join(folder, 'set'), { recursive: true });
  writeFileSync(path.join(folder, 'set', 'broken.png'), 'this is no picture');
  mkdirSync(path.join(folder, 'out'));
  redis = await TestRedis.start();
  [server, browser] = await Promise.all([Served.start(['--redis', redis.url, '--run-folders', folder]), launch()]);
  proxy = belowPath('/tools', server.port).listen(0, '127.0.0.1');
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await server?.kill();
  await worker?.end('SIGKILL');
  proxy?.close();
  await redis?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** A reverse proxy that puts the server below a path. */
function belowPath(prefix: string, port: number): Server {
  return createServer((from, to) => {
    const url = from.url?.startsWith(`${prefix}/`) ? from.url.slice(prefix.length) : '/none';
    const sent = request({ host: '127.0.0.1', port, path: url, method: from.method, headers: from.headers }, (answer) => {
      to.writeHead(answer.statusCode as number, answer.headers);
      answer.pipe(to);
    });
    sent.on('error', () => to.destroy());
    from.pipe(sent);
  });
}

async function submit(title: string, out: string): Promise<void> {
  const answer = await fetch(`${server.address}v1/runs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      inputs: [path.join(folder, 'set')],
      task: { kind: 'interrogate', modes: ['fast'] },
      out: [path.join(folder, 'out', out)],
      title,
    }),
  });
  expect(answer.status).toBe(201);
}

const card = (page: Page, title: string) => page.getByRole('article', { name: title });

described('The runs', () => {
  test('of a fleet without any: how one is submitted', async () => {
    const { page, complaints, context } = await open(browser, `${server.address}#runs`);
    await page.getByText('No run yet').waitFor();
    await page.getByText('npx torch-interrogator run submit').waitFor();
    await page.getByText('0 runs, 0 workers').waitFor();
    expect(await faults(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await context.close();
  }, 30_000);

  test('without a worker: paused, gone on with, and cancelled once it is confirmed', async () => {
    const { page, complaints, context } = await open(browser, `${server.address}#runs`);
    await submit('waits for somebody', 'a.jsonl');
    const run = card(page, 'waits for somebody');
    await run.getByText('Running', { exact: true }).waitFor();
    await page.getByText('No worker is there.').waitFor();
    await run.getByRole('button', { name: 'Pause' }).click();
    await run.getByText('Paused', { exact: true }).waitFor();
    await run.getByRole('button', { name: 'Go on' }).click();
    await run.getByText('Running', { exact: true }).waitFor();
    await run.getByRole('button', { name: 'Cancel' }).click();
    expect(await faults(page)).toEqual([]);
    // What is safe has the focus.
    expect(await page.evaluate(`document.activeElement.textContent`)).toBe('Keep it');
    await page.keyboard.press('Enter');
    await run.getByRole('button', { name: 'Cancel' }).click();
    await run.getByRole('button', { name: 'Cancel the run' }).click();
    await run.getByText('Cancelled', { exact: true }).waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  }, 30_000);

  test('below a path: one that ends tells which pictures failed and why, and tries them again', async () => {
    worker = WorkerProcess.start(redis.url, folder, ['--no-requests']);
    const { port } = proxy.address() as { port: number };
    const { page, complaints, context } = await open(browser, `http://127.0.0.1:${port}/tools/#runs`);
    await submit('has a broken picture', 'b.jsonl');
    const run = card(page, 'has a broken picture');
    await run.getByText('Ended', { exact: true }).waitFor();
    await run.getByText(/^Ended 4 of 4 · 1 failed · took/).waitFor();
    await run.getByText('Why 1 picture failed').click();
    await run.getByText(/set\/broken\.png/).waitFor();
    await page.getByText('2 runs, 1 worker').waitFor();
    for (const [width, height] of [
      [1360, 900],
      [390, 844],
    ] as const) {
      await page.setViewportSize({ width, height });
      for (const language of ['de', 'zh', 'en']) {
        await page.locator('.header select').selectOption(language);
        expect([language, width, await isTooWide(page)]).toEqual([language, width, false]);
      }
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        expect([colorScheme, width, await faults(page)]).toEqual([colorScheme, width, []]);
      }
    }
    copyFileSync(APPLE, path.join(folder, 'set', 'broken.png'));
    await run.getByRole('button', { name: 'Try the failed ones again' }).click();
    await run.getByText(/^Ended 4 of 4 · took/).waitFor();
    await run.getByRole('button', { name: 'Forget' }).click();
    await run.waitFor({ state: 'detached' });
    expect(complaints).toEqual([]);
    await context.close();
  }, 60_000);

  test('their queues are shown by a page that asks nobody else, below a path too', async () => {
    await submit('is on a queue', 'c.jsonl');
    const { port } = proxy.address() as { port: number };
    const context = await browser.newContext({ locale: 'en-US' });
    const page = await context.newPage();
    const complaints: string[] = [];
    const asked = new Set<string>();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('request', (sent) => asked.add(new URL(sent.url()).origin));
    for (const address of [`http://127.0.0.1:${port}/tools/queues`, `${server.address}queues/`]) {
      await page.goto(address);
      await page
        .getByText(/requests-\d/)
        .first()
        .waitFor();
      await page
        .getByText(/requests-\d/)
        .first()
        .click();
      await until(page, `/\\/queues\\/queue\\/requests-/.test(location.pathname)`);
      await page.reload();
      await page
        .getByText(/requests-\d/)
        .first()
        .waitFor();
    }
    expect(complaints).toEqual([]);
    expect([...asked].sort()).toEqual([`http://127.0.0.1:${port}`, server.address.slice(0, -1)].sort());
    await context.close();
  }, 60_000);

  test('are not a tab of a server without a fleet', async () => {
    const other = await Served.start();
    const { page, context } = await open(browser, `${other.address}#runs`);
    await page.getByRole('link', { name: 'Device', exact: true }).waitFor();
    expect(await page.getByRole('link', { name: 'Runs' }).count()).toBe(0);
    expect((await fetch(`${other.address}v1/runs`)).status).toBe(404);
    expect((await fetch(`${other.address}queues`)).status).toBe(404);
    await context.close();
    await other.kill();
  }, 30_000);
});
