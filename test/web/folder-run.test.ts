/** A run over the folder that is paused and gone on with, in Chromium against the real server. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { colours } from './colours';
import { hasBrowser, launch, open, Served, until } from './served';

const COUNT = 40;

let server: Served;
let browser: Browser;
let folder: string;

beforeAll(async () => {
  if (!hasBrowser) return;
  folder = mkdtempSync(path.join(tmpdir(), 'pictures-'));
  for (const { name, buffer } of colours(COUNT)) writeFileSync(path.join(folder, name), buffer);
  [server, browser] = await Promise.all([Served.start([folder]), launch()]);
});
afterAll(async () => {
  await browser?.close();
  await server?.kill();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

(hasBrowser ? test : test.skip)(
  'a run is paused, and goes on where it was',
  async () => {
    const { page, complaints, context } = await open(browser, `${server.address}#folder`);
    const known = async (): Promise<{ state: string; done: number; failed: number }> =>
      page.evaluate(`fetch('v1/folder').then((answer) => answer.json()).then(({ run }) => run)`);
    const beside = (): number => readdirSync(folder).filter((name) => name.endsWith('.txt')).length;
    await page.getByLabel('Mode').selectOption('best');
    await page.getByLabel('Write a text file beside each picture').check();
    await page.getByRole('button', { name: 'Start a run' }).click();
    await until(page, `fetch('v1/folder').then((answer) => answer.json()).then(({ run }) => run.done > 0)`);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused', { exact: true }).waitFor();
    const paused = await known();
    expect(paused.state).toBe('paused');
    expect(paused.done).toBeLessThan(COUNT);
    expect(beside()).toBe(paused.done);
    await page.getByRole('button', { name: 'Go on', exact: true }).click();
    await until(page, `fetch('v1/folder').then((answer) => answer.json()).then(({ run }) => run.state === 'ended')`, { timeoutMs: 60_000 });
    await page.getByText('Ended', { exact: true }).waitFor();
    expect(await known()).toMatchObject({ done: COUNT, failed: 0 });
    expect(beside()).toBe(COUNT);
    expect(complaints).toEqual([]);
    await context.close();
  },
  120_000,
);
