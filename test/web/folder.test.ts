/** The folder's tab, and a server that wants a key, in Chromium against the real server. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { APPLE, hasBrowser, IMAGES, launch, open, Served, until } from './served';

const KEY = 'a-key-of-this-test';

let server: Served;
let browser: Browser;
let folder: string;
const described = hasBrowser ? describe : describe.skip;

beforeAll(async () => {
  if (!hasBrowser) return;
  folder = mkdtempSync(path.join(tmpdir(), 'pictures-'));
  for (const name of ['apple.png', 'cat-and-pizza.png', 'rocket.png']) cpSync(path.join(IMAGES, name), path.join(folder, name));
  cpSync(APPLE, path.join(folder, 'apple again.png'));
  writeFileSync(path.join(folder, 'rocket.txt'), 'a rocket of mine');
  [server, browser] = await Promise.all([Served.start([folder, '--api-key', KEY]), launch()]);
});
afterAll(async () => {
  await browser?.close();
  await server?.kill();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function openWithKey(tab: string): Promise<Awaited<ReturnType<typeof open>>> {
  const opened = await open(browser, `${server.address}#${tab}`);
  const { page } = opened;
  await page.getByRole('dialog').getByLabel('API key').fill(KEY);
  await page.getByRole('button', { name: 'Use this key' }).click();
  await page.getByRole('link', { name: 'Folder' }).waitFor();
  return opened;
}

const cards = (page: Page) => page.locator('.folder-card:not(.waiting)');
const captionOf = (page: Page, name: string) => page.getByLabel(`Caption of ${name}`, { exact: true });
const beside = (name: string): string | null => {
  const file = path.join(folder, name.replace('.png', '.txt'));
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
};

described('Folder', () => {
  test('a wrong key is asked for again, and thumbnails come with the right one', async () => {
    const { page, context } = await open(browser, `${server.address}#folder`);
    const field = page.getByRole('dialog').getByLabel('API key');
    await field.fill('another key');
    await field.press('Enter');
    await page.getByText('The server did not accept the key.').waitFor();
    await field.fill(KEY);
    await field.press('Enter');
    await until(page, `[...document.querySelectorAll('.folder-card img')].filter((image) => image.naturalWidth > 0).length === 4`);
    await context.close();
  });

  test('who gives no key is not asked again, and may give one later', async () => {
    const { page, context } = await open(browser, server.address);
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.getByRole('link', { name: 'Analyze' }).click();
    await page.getByRole('button', { name: 'Enter a key' }).click();
    await page.getByRole('dialog').getByLabel('API key').fill(KEY);
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'Folder' }).waitFor();
    expect(await page.getByRole('button', { name: 'Enter a key' }).count()).toBe(0);
    await context.close();
  });

  test('pictures are filtered by text and by missing captions', async () => {
    const { page, context } = await openWithKey('folder');
    await page.getByText('4 pictures', { exact: true }).waitFor();
    await page.getByLabel('Search names and captions').fill('of mine');
    await page.getByText('1 picture', { exact: true }).waitFor();
    expect(await captionOf(page, 'rocket.png').inputValue()).toBe('a rocket of mine');
    await page.getByLabel('Search names and captions').fill('');
    await page.getByRole('button', { name: 'No caption' }).click();
    await page.getByText('3 pictures', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'All', exact: true }).click();
    await context.close();
  });

  test('a caption is edited in place, lies beside its picture, and is taken back', async () => {
    const { page, context } = await openWithKey('folder');
    const caption = captionOf(page, 'apple.png');
    await caption.fill('an apple a day');
    await caption.blur();
    await page.getByRole('button', { name: 'Undo (1)' }).waitFor();
    expect(beside('apple.png')?.trim()).toBe('an apple a day');
    await page.getByRole('button', { name: 'Undo (1)' }).click();
    await page.getByRole('button', { name: 'Undo (1)' }).waitFor({ state: 'detached' });
    expect(beside('apple.png')).toBeNull();
    await until(page, `document.querySelector('[aria-label="Caption of apple.png"]').value === ''`);
    await context.close();
  });

  test('what somebody else changed meanwhile is not written over', async () => {
    const { page, context } = await openWithKey('folder');
    const caption = captionOf(page, 'cat-and-pizza.png');
    await caption.waitFor();
    writeFileSync(path.join(folder, 'cat-and-pizza.txt'), 'theirs');
    await caption.fill('mine');
    await caption.blur();
    await page.getByText('Somebody else changed this caption.').waitFor();
    expect(beside('cat-and-pizza.png')).toBe('theirs');
    rmSync(path.join(folder, 'cat-and-pizza.txt'));
    await context.close();
  });

  test('a run looks at every picture: its texts can be taken, likeness to a phrase and duplicates are known', async () => {
    const { page, context } = await openWithKey('folder');
    const likeness = page.getByLabel('Order by likeness to a phrase');
    await likeness.fill('rocket');
    await page.getByText('Start a run first.').waitFor();
    await likeness.fill('');
    await page.getByLabel('Mode').selectOption('fast');
    await page.getByRole('button', { name: 'Start a run' }).click();
    await page.getByText('Ended', { exact: true }).waitFor();
    await until(page, `document.querySelector('[aria-label="Caption of cat-and-pizza.png"]').placeholder.includes('cat')`);
    const card = cards(page).filter({ hasText: 'cat-and-pizza.png' });
    await card.getByRole('button', { name: 'Take the run’s text' }).click();
    await page.getByRole('button', { name: 'Undo (1)' }).waitFor();
    expect(beside('cat-and-pizza.png')).toContain('cat');
    for (const [phrase, first] of [
      ['rocket', 'rocket.png'],
      ['a pizza', 'cat-and-pizza.png'],
    ]) {
      await likeness.fill(phrase as string);
      await until(page, `document.querySelector('.folder-card:not(.waiting)')?.textContent.includes('${first}')`);
    }
    await page.getByRole('button', { name: 'Duplicates' }).click();
    await page.getByText('2 pictures', { exact: true }).waitFor();
    await context.close();
  });

  test('a picture of the folder is interrogated', async () => {
    const { page, complaints, context } = await openWithKey('folder');
    await page.getByRole('button', { name: 'Interrogate rocket.png' }).click();
    await page.getByText(/of 75 tokens/).waitFor();
    expect(await page.getByTestId('prompt').textContent()).toContain('rocket');
    // The first looks are refused, because the key is not there yet.
    expect(complaints.filter((line) => !line.includes('401'))).toEqual([]);
    await context.close();
  });
});
