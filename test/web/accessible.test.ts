/** axe finds nothing serious in any tab, in dark and light, on a desktop and a phone; screenshots of each go to build/screenshots. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { REPOSITORY } from '../support/python';
import { faults, isTooWide } from './faults';
import { APPLE, addPictures, CAT, hasBrowser, IMAGES, launch, open, ROCKET, Served, until } from './served';

const SCREENSHOTS = path.join(REPOSITORY, 'build', 'screenshots');
const DEVICES: Record<string, BrowserContextOptions> = {
  desktop: { viewport: { width: 1360, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
};

let server: Served;
let browser: Browser;
let folder: string;
const described = hasBrowser ? describe : describe.skip;

beforeAll(async () => {
  if (!hasBrowser) return;
  folder = mkdtempSync(path.join(tmpdir(), 'pictures-'));
  cpSync(IMAGES, folder, { recursive: true });
  mkdirSync(SCREENSHOTS, { recursive: true });
  [server, browser] = await Promise.all([Served.start([folder]), launch()]);
});
afterAll(async () => {
  await browser?.close();
  await server?.kill();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** Brings each tab to where it shows what it is for. */
const TABS: Record<string, (page: Page) => Promise<unknown>> = {
  empty: (page) => page.getByRole('button', { name: /Choose pictures/ }).waitFor(),
  interrogate: async (page) => {
    await addPictures(page, [APPLE, CAT, ROCKET]);
    await page.getByText(/of 75 tokens/).waitFor();
    await page.getByTestId('negative-prompt').waitFor();
    await until(page, `!document.querySelector('[aria-busy=true]')`);
  },
  modes: async (page) => {
    await page.getByRole('button', { name: 'All', exact: true }).click();
    await until(page, `document.querySelectorAll('.all-modes article[aria-busy=false] footer').length === 5`);
  },
  analyze: (page) => until(page, `document.querySelectorAll('.table-card li').length >= 40`),
  rank: async (page) => {
    const field = page.getByLabel('Type a term, or paste a list');
    await field.fill('apple, rocket, pizza, a drawing of a cat, fruit, night sky, food, red');
    await field.press('Enter');
    await until(page, `document.querySelector('.sheet-cell.on') && !document.querySelector('.sheet-none')`);
  },
  folder: (page) =>
    until(page, `[...document.querySelectorAll('.folder-card img')].filter((image) => image.naturalWidth > 0).length === 3`),
  device: (page) => page.getByRole('heading', { name: 'More models' }).waitFor(),
};

described.each(Object.keys(DEVICES))('On a %s', (device) => {
  test.each(['light', 'dark'] as const)('%s: no tab has a serious fault, and none is wider than the screen', async (colorScheme) => {
    const { page, complaints, context } = await open(browser, server.address, { ...DEVICES[device], colorScheme, reducedMotion: 'reduce' });
    const found: Record<string, string[]> = {};
    const wide: string[] = [];
    for (const [tab, bring] of Object.entries(TABS)) {
      await page.evaluate(`location.hash = ${JSON.stringify(tab in { empty: 1, modes: 1 } ? 'interrogate' : tab)}; scrollTo(0, 0)`);
      await bring(page);
      await page.screenshot({ path: path.join(SCREENSHOTS, `${device}-${colorScheme}-${tab}.png`) });
      const list = await faults(page);
      if (list.length > 0) found[tab] = list;
      if (await isTooWide(page)) wide.push(tab);
    }
    for (const language of ['de', 'zh']) {
      await page.locator('.header select').selectOption(language);
      for (const tab of ['interrogate', 'analyze', 'rank', 'folder', 'device']) {
        await page.evaluate(`location.hash = '${tab}'`);
        await until(page, `document.querySelector('[aria-current=page]').hash === '#${tab}'`);
        if (await isTooWide(page)) wide.push(`${tab} in ${language}`);
      }
    }
    expect(found).toEqual({});
    expect(wide).toEqual([]);
    expect(complaints).toEqual([]);
    await context.close();
  });
});
