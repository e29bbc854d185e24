/** Each tab's main path, in Chromium, against the real server with the sample pair. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { APPLE, addPictures, CAT, hasBrowser, launch, open, ROCKET, Served, until } from './served';

let server: Served;
let browser: Browser;
let work: string;
const described = hasBrowser ? describe : describe.skip;

beforeAll(async () => {
  if (!hasBrowser) return;
  work = mkdtempSync(path.join(tmpdir(), 'page-'));
  [server, browser] = await Promise.all([Served.start(['--allow-urls']), launch()]);
});
afterAll(async () => {
  await browser?.close();
  await server?.kill();
  if (work) rmSync(work, { recursive: true, force: true });
});

/** What a download holds. */
async function downloaded(page: Page, click: () => Promise<void>): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent('download'), click()]);
  return readFileSync(await download.path(), 'utf8');
}

const promptOf = async (page: Page): Promise<string> => (await page.getByTestId('prompt').textContent()) ?? '';

described('Interrogate', () => {
  test('a picture becomes a prompt, with its terms, its tokens and a negative prompt, and into the history', async () => {
    const { page, complaints, context } = await open(browser, server.address);
    await expect(page.getByText('Only the small sample model is loaded.').isVisible()).resolves.toBe(true);
    await addPictures(page, APPLE);
    await page.getByText(/of 75 tokens/).waitFor();
    expect(await promptOf(page)).toMatch(/apple/);
    await page.getByTestId('negative-prompt').waitFor();
    const terms = page.locator('.terms tbody tr');
    // The caption is one part, whatever commas it has.
    const [caption = '', ...others] = await terms.locator('th').allTextContents();
    expect([caption.replace(/ caption$/, ''), ...others.map((term) => term.trim())].join(', ')).toBe(await promptOf(page));
    await page.locator('.history li').nth(1).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'History' }).waitFor();
    expect(await page.locator('.history li').count()).toBe(2);
    expect(complaints).toEqual([]);
    await context.close();
  });

  test('a banned term leaves the prompt, a pinned one comes into it, and both can be freed', async () => {
    const { page, context } = await open(browser, server.address);
    await addPictures(page, APPLE);
    await page.getByText(/of 75 tokens/).waitFor();
    const ban = page.getByRole('button', { name: /^Never have/ }).first();
    const banned = /“(.*)”/.exec((await ban.getAttribute('aria-label')) ?? '')?.[1] as string;
    expect((await promptOf(page)).split(', ')).toContain(banned);
    await ban.click();
    await until(page, `!document.querySelector('[data-testid=prompt]').textContent.split(', ').includes(${JSON.stringify(banned)})`);
    await page.getByRole('button', { name: `Leave “${banned}” to the model again` }).click();
    await until(page, `document.querySelector('[data-testid=prompt]').textContent.split(', ').includes(${JSON.stringify(banned)})`);
    const pin = page.getByRole('button', { name: /^Always have/ }).last();
    const pinned = /“(.*)”/.exec((await pin.getAttribute('aria-label')) ?? '')?.[1] as string;
    await pin.click();
    // What is pinned comes first behind the caption.
    await page.locator(`.terms tbody tr:has-text(${JSON.stringify(pinned)}) [aria-pressed=true]`).waitFor();
    await context.close();
  });

  test('another caption makes another prompt', async () => {
    const { page, context } = await open(browser, server.address);
    await addPictures(page, APPLE);
    await page.getByText(/of 75 tokens/).waitFor();
    await page.getByLabel('Caption', { exact: true }).fill('a green pear');
    await page.getByLabel('Caption', { exact: true }).press('Enter');
    await until(page, `document.querySelector('[data-testid=prompt]').textContent.startsWith('a green pear')`);
    await page.getByRole('button', { name: 'The model’s own' }).click();
    await until(page, `document.querySelector('[data-testid=prompt]').textContent.includes('apple')`);
    await context.close();
  });

  test('an address that the server may not fetch is explained', async () => {
    const { page, context } = await open(browser, server.address);
    await page.getByLabel(/picture’s address/).fill('http://127.0.0.1:9/cat.png');
    await page.getByRole('button', { name: 'Fetch', exact: true }).click();
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(/ERR_[A-Z_]+/);
    expect(await page.getByRole('listbox').getByRole('option').getAttribute('aria-label')).toBe('cat.png');
    await context.close();
  });

  test('all modes stand beside each other, and downloads have them all', async () => {
    const { page, context } = await open(browser, server.address);
    await addPictures(page, [APPLE, ROCKET]);
    await page.getByRole('button', { name: 'All', exact: true }).click();
    await until(page, `document.querySelectorAll('.all-modes article[aria-busy=false] .fact').length >= 10`);
    await page.getByRole('button', { name: 'Best', exact: true }).click();
    const json = JSON.parse(await downloaded(page, () => page.getByRole('button', { name: 'JSON' }).click()));
    expect(json).toHaveLength(1);
    expect(json[0].descriptions.map(({ mode }: { mode: string }) => mode).sort()).toEqual([
      'best',
      'caption',
      'classic',
      'fast',
      'negative',
    ]);
    const text = await downloaded(page, () => page.getByRole('button', { name: 'Text', exact: true }).click());
    expect(text).toContain(`best: ${await promptOf(page)}`);
    await context.close();
  });
});

described('Analyze', () => {
  test('five tables are ranked, and a search finds what lies deeper', async () => {
    const { page, complaints, context } = await open(browser, `${server.address}#analyze`);
    await addPictures(page, APPLE);
    await until(page, `[...document.querySelectorAll('.table-card')].every((card) => card.querySelector('li'))`);
    expect(await page.locator('.table-card').count()).toBe(5);
    const flavors = page.locator('.table-card', { has: page.getByRole('heading', { name: 'Flavors' }) });
    expect(await flavors.locator('li').count()).toBe(10);
    await page.getByRole('button', { name: 'Top 50', exact: true }).click();
    expect(await flavors.locator('li').count()).toBe(50);
    await page.getByLabel('Search the terms').fill('fruit');
    await flavors.getByText('fruit', { exact: true }).waitFor();
    for (const label of await page.locator('.table-card .label').allTextContents()) expect(label.toLowerCase()).toContain('fruit');
    expect(complaints).toEqual([]);
    await context.close();
  });
});

described('Rank', () => {
  test('terms are ranked while they are typed, and the grid is put in order by a term', async () => {
    const { page, complaints, context } = await open(browser, `${server.address}#rank`);
    await addPictures(page, [ROCKET, APPLE, CAT]);
    const field = page.getByLabel('Type a term, or paste a list');
    await field.fill('rocket, a pizza');
    await field.press('Enter');
    await field.fill('apple');
    // Not entered yet, and ranked already.
    await until(page, `document.querySelectorAll('.sheet-cell').length === 9 && !document.querySelector('.sheet-none')`);
    await field.press('Enter');
    await page.getByRole('button', { name: 'apple', exact: true }).click();
    const first = page.locator('.sheet-row').first();
    await first.getByText('apple.png').waitFor();
    await page.getByRole('button', { name: 'a pizza', exact: true }).click();
    await first.getByText('cat-and-pizza.png').waitFor();
    await page.getByRole('button', { name: 'Swap rows and columns' }).click();
    expect(await page.locator('.sheet-row-head').allTextContents()).toHaveLength(3);
    expect(complaints).toEqual([]);
    await context.close();
  });

  test('only the new term is asked for, and of pictures that were sent once their names alone', async () => {
    const { page, context } = await open(browser, `${server.address}#rank`);
    const asked: { image: string[]; text: string[] }[] = [];
    await addPictures(page, [ROCKET, APPLE]);
    const field = page.getByLabel('Type a term, or paste a list');
    await field.fill('rocket');
    await until(page, `document.querySelectorAll('.sheet-cell').length === 2 && !document.querySelector('.sheet-none')`);
    page.on('request', (request) => {
      if (request.url().endsWith('/v1/similarity')) asked.push(request.postDataJSON());
    });
    await field.press('Enter');
    await field.fill('fruit');
    await until(page, `document.querySelectorAll('.sheet-cell').length === 4 && !document.querySelector('.sheet-none')`);
    expect(asked.map(({ text }) => text)).toEqual([['fruit']]);
    for (const image of asked[0]?.image ?? []) expect(image).toMatch(/^picture:[0-9a-f]{64}$/);
    await context.close();
  });

  test('tags are what lies above the threshold and what is ticked, and can be saved', async () => {
    const { page, context } = await open(browser, `${server.address}#rank`);
    await addPictures(page, [ROCKET, APPLE]);
    const list = path.join(work, 'list.txt');
    writeFileSync(list, 'rocket\napple\nfruit\n');
    await page.getByTestId('list').setInputFiles(list);
    await until(page, `document.querySelectorAll('.sheet-cell').length === 6 && !document.querySelector('.sheet-none')`);
    await page.getByRole('slider').fill('0.6');
    expect(await page.locator('.sheet-cell.on').count()).toBe(0);
    const cell = page.locator('.sheet-row', { hasText: 'apple.png' }).locator('.sheet-cell').nth(1);
    await cell.click();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Space');
    const text = await downloaded(page, () => page.getByRole('button', { name: 'Tags' }).click());
    expect(text.split('\n')[0]).toBe('rocket.png: ');
    expect(text.split('\n')[1]?.split(': ')[1]?.split(', ').sort()).toEqual(['apple', 'fruit']);
    await page.getByRole('slider').fill('0.1');
    const count = async (name: string): Promise<number> => {
      const numbers = await page.locator('.sheet-row', { hasText: name }).locator('.sheet-cell').allTextContents();
      return numbers.filter((number, i) => Number(number) >= 0.1 || (name === 'apple.png' && i > 0)).length;
    };
    const json = JSON.parse(await downloaded(page, () => page.getByRole('button', { name: 'JSON' }).click()));
    expect(json.map(({ name, tags }: { name: string; tags: unknown[] }) => [name, tags.length])).toEqual([
      ['rocket.png', await count('rocket.png')],
      ['apple.png', await count('apple.png')],
    ]);
    await context.close();
  });

  test('a long list becomes a table of the server, of which what fits best comes into the sheet', async () => {
    const { page, context } = await open(browser, `${server.address}#rank`);
    await addPictures(page, ROCKET);
    const list = path.join(work, 'my own list.txt');
    const others = Array.from({ length: 300 }, (_, i) => `thing number ${i}`);
    writeFileSync(list, [...others.slice(0, 150), 'rocket', ...others.slice(150)].join('\n'));
    await page.getByTestId('list').setInputFiles(list);
    await page.locator('.ranked .label').first().waitFor();
    await until(page, `document.querySelector('.ranked .label')?.textContent === 'rocket'`);
    expect(await page.locator('.ranked .label').count()).toBe(12);
    expect(await page.getByLabel('Table').inputValue()).toBe('my-own-list');
    await context.close();
  });

  test('a single picture shows its terms as bars, the best first', async () => {
    const { page, context } = await open(browser, `${server.address}#rank`);
    await addPictures(page, ROCKET);
    const field = page.getByLabel('Type a term, or paste a list');
    await field.fill('a pizza, rocket, fruit');
    await field.press('Enter');
    await until(
      page,
      `[...document.querySelectorAll('.ranked .number')].length === 3 && !document.querySelector('.ranked').textContent.includes('…')`,
    );
    expect((await page.locator('.ranked .label').allTextContents())[0]).toBe('rocket');
    const numbers = (await page.locator('.ranked .number').allTextContents()).map(Number);
    expect(numbers).toEqual([...numbers].sort((a, b) => b - a));
    await context.close();
  });
});

described('Device', () => {
  test('devices and models are shown, and why a model could not be fetched', async () => {
    const { page, complaints, context } = await open(browser, `${server.address}#device`);
    await page.getByRole('heading', { name: 'cpu' }).waitFor();
    await page.locator('.models li', { hasText: 'default' }).nth(1).waitFor();
    // What the server answers with by default stays on.
    expect(await page.getByRole('button', { name: /Turn off/ }).count()).toBe(0);
    await page.getByLabel('Search the models').fill('ViT-B-32/openai');
    await page.getByRole('button', { name: 'Fetch: ViT-B-32/openai', exact: true }).click();
    await page.getByRole('alert').filter({ hasText: /ERR_/ }).waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });
});

described('The whole page', () => {
  test('offers real models with their size, and says why they could not be fetched', async () => {
    const { page, context } = await open(browser, server.address);
    await page.getByRole('button', { name: /^Fetch it \(3\.\d GB\)$/ }).click();
    const alert = page.getByRole('alert').filter({ hasText: /ERR_/ });
    await alert.getByRole('button', { name: 'Try again' }).waitFor();
    expect(await alert.textContent()).toContain('ViT-L-14');
    await context.close();
  });

  test('speaks the browser’s language, and another one when it is chosen', async () => {
    const { page, context } = await open(browser, server.address, { locale: 'de-DE' });
    await page.getByText('Bilder hier ablegen').waitFor();
    await page.getByLabel('Sprache').selectOption('zh');
    await page.getByText('将图片拖放到此处').waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('zh');
    await page.reload();
    await page.getByText('将图片拖放到此处').waitFor();
    await context.close();
  });

  test('is worked by keys alone', async () => {
    const { page, context } = await open(browser, server.address);
    await page.keyboard.press('3');
    await page.getByRole('heading', { name: 'Rank' }).waitFor({ state: 'attached' });
    await page.keyboard.press('1');
    await addPictures(page, [APPLE, ROCKET, CAT]);
    await page.keyboard.press(']');
    await page.getByRole('option', { name: 'rocket.png', selected: true }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('option', { name: 'cat-and-pizza.png', selected: true }).waitFor();
    await page.keyboard.press('Delete');
    expect(await page.getByRole('listbox').getByRole('option').count()).toBe(2);
    await context.close();
  });

  test('a picture that is pasted or dropped is taken', async () => {
    const { page, context } = await open(browser, server.address);
    const bytes = readFileSync(APPLE).toString('base64');
    const give = (event: string, field: string) =>
      page.evaluate(`(async () => {
        const bytes = Uint8Array.from(atob('${bytes}'), (c) => c.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], '${event}.png', { type: 'image/png' }));
        const event = '${event}' === 'paste' ? new ClipboardEvent('paste', { ${field}: data, bubbles: true }) : new DragEvent('drop', { ${field}: data, bubbles: true, cancelable: true });
        document.body.dispatchEvent(event);
      })()`);
    await give('paste', 'clipboardData');
    await give('drop', 'dataTransfer');
    await page.getByRole('option', { name: 'paste.png' }).waitFor();
    await page.getByRole('option', { name: 'drop.png' }).waitFor();
    await context.close();
  });
});
