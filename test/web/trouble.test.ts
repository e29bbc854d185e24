/** What the page does when something goes wrong, and with very much at once. */
import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { colours } from './colours';
import { APPLE, addPictures, hasBrowser, launch, open, Served, until, whenGrowing } from './served';

let server: Served;
let browser: Browser;
const described = hasBrowser ? describe : describe.skip;

beforeAll(async () => {
  if (hasBrowser) [server, browser] = await Promise.all([Served.start(), launch()]);
});
afterAll(async () => {
  await browser?.close();
  await server?.kill();
});

described('The page', () => {
  test.each([
    ['text that calls itself a picture', Buffer.from('This is no picture.'.repeat(20))],
    ['nothing at all', Buffer.alloc(0)],
    ['a picture that is cut off', readFileSync(APPLE).subarray(0, 60)],
  ])('says what is wrong with %s, and goes on with the next picture', async (_, buffer) => {
    const { page, context } = await open(browser, server.address);
    await addPictures(page, { name: 'broken.png', mimeType: 'image/png', buffer });
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(/ERR_[A-Z_]+/);
    await alert.getByRole('button', { name: 'Try again' }).waitFor();
    await addPictures(page, APPLE);
    await page.getByText(/of 75 tokens/).waitFor();
    expect(await alert.count()).toBe(0);
    await context.close();
  });

  test('says that the connection broke in the middle of a chain, keeps what came, and tries again', async () => {
    const other = await Served.start();
    const { page, context } = await open(browser, other.address);
    const underWay = whenGrowing(page);
    await addPictures(page, APPLE);
    await underWay;
    await other.kill();
    const alert = page.getByRole('alert').filter({ hasText: 'The connection to the server broke.' });
    await alert.waitFor();
    expect(await page.getByTestId('prompt').textContent()).toMatch(/apple/);
    await page.getByText('The server does not answer.').waitFor();
    const again = await Served.start([], { port: other.port });
    try {
      await alert.getByRole('button', { name: 'Try again' }).click();
      await page.getByText(/of 75 tokens/).waitFor();
      await page.getByText('The server does not answer.').waitFor({ state: 'detached' });
    } finally {
      await again.kill();
      await context.close();
    }
  });

  test('waits for a server that still loads its models', async () => {
    const other = await Served.start([], { until: 'listening' });
    try {
      const { page, context } = await open(browser, other.address);
      await addPictures(page, APPLE);
      await page.getByText(/of 75 tokens/).waitFor();
      expect(await page.getByRole('alert').count()).toBe(0);
      await context.close();
    } finally {
      await other.kill();
    }
  });

  test('stops a chain when it is told to, and the server has nothing left to do', async () => {
    const { page, context } = await open(browser, server.address);
    const stopped = whenGrowing(page, 'Stop');
    await addPictures(page, APPLE);
    await stopped;
    await page.getByRole('button', { name: 'Interrogate', exact: true }).waitFor();
    await until(
      page,
      `fetch('v1/status').then((answer) => answer.json()).then(({ devices }) => devices.every(({ running, waiting }) => running + waiting === 0))`,
    );
    await context.close();
  });

  test('takes 200 pictures at once, interrogates and ranks them all', async () => {
    const { page, complaints, context } = await open(browser, server.address);
    await page.getByRole('button', { name: 'Choose pictures' }).waitFor();
    await addPictures(page, colours(200));
    await page.getByText('200 pictures').waitFor();
    await page.getByRole('button', { name: 'Fast', exact: true }).click();
    await page.getByRole('button', { name: 'Interrogate all 200' }).click();
    await until(page, `document.querySelectorAll('.badge.done').length === 200`, { timeoutMs: 60_000 });
    expect(await page.locator('.badge.failed').count()).toBe(0);
    await page.goto(`${server.address}#rank`);
    const field = page.getByLabel('Type a term, or paste a list');
    await field.fill('red, green, blue');
    await field.press('Enter');
    await until(page, `document.querySelector('.sheet-cell') && !document.querySelector('.sheet-none')`);
    // Only what is on the screen is drawn.
    expect(await page.locator('.sheet-row').count()).toBeLessThan(60);
    expect(await page.getByRole('grid').getAttribute('aria-rowcount')).toBe('201');
    expect(complaints).toEqual([]);
    await context.close();
  });
});
