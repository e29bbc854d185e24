/** The real server with the sample pair, and a browser that looks at its page. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { REPOSITORY } from '../support/python';

/** Debian's, which `apt-get install chromium` brings. */
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const hasBrowser = existsSync(CHROMIUM) || process.env.CI !== undefined;

export const IMAGES = path.join(REPOSITORY, 'models', 'sample', 'images');
export const APPLE = path.join(IMAGES, 'apple.png');
export const ROCKET = path.join(IMAGES, 'rocket.png');
export const CAT = path.join(IMAGES, 'cat-and-pizza.png');

export class Served {
  private constructor(
    readonly address: string,
    private readonly process: ChildProcess,
    /** The folder of its tables and embeddings. */
    private readonly kept: string,
  ) {}

  /** Resolves when the server is ready, or when it listens, before its models are loaded. It fetches nothing from outside. */
  static async start(args: readonly string[] = [], { port = 0, until: state = 'ready' as 'ready' | 'listening' } = {}): Promise<Served> {
    const command = path.join(REPOSITORY, 'dist', 'cli', 'main.js');
    const kept = mkdtempSync(path.join(tmpdir(), 'served-'));
    const models = ['--clip', 'sample', '--caption', 'sample', '--port', String(port)];
    const child = spawn(process.execPath, [command, 'serve', ...args, ...models], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HF_HUB_OFFLINE: '1', TI_TABLES: path.join(kept, 'tables'), TI_CACHE_PATH: path.join(kept, 'embeddings') },
    });
    let output = '';
    const address = await new Promise<string>((resolve, reject) => {
      const onData = (data: Buffer) => {
        output += data;
        const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? [];
        if (found) resolve(`${found}/`);
      };
      child.stdout.on('data', onData);
      child.stderr.on('data', onData);
      child.on('exit', (code) => reject(new Error(`serve ended with ${code}:\n${output}`)));
    });
    while (state === 'ready' && !(await fetch(`${address}ready`)).ok) await pause(50);
    return new Served(address, child, kept);
  }

  get port(): number {
    return Number(new URL(this.address).port);
  }

  /** Ends it at once, as a machine that loses its power. */
  async kill(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = new Promise((resolve) => this.process.once('exit', resolve));
      this.process.kill('SIGKILL');
      await ended;
    }
    rmSync(this.kept, { recursive: true, force: true });
  }
}

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
}

/** A page that collects what its console and its scripts complain of: breaches of the security policy are among it. */
export async function open(
  browser: Browser,
  address: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[]; context: BrowserContext }> {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, locale: 'en-US', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(address);
  await page.getByRole('navigation').waitFor();
  return { page, complaints, context };
}

export function addPictures(page: Page, files: Parameters<Page['setInputFiles']>[1]): Promise<void> {
  return page.getByTestId('files').first().setInputFiles(files);
}

/**
 * Resolves when a prompt grows, which a small model's does for moments, and clicks on the button of that name as soon as it does. To be
 * called before what makes it grow.
 */
export function whenGrowing(page: Page, clicked = ''): Promise<unknown> {
  return page.evaluate(`new Promise((resolve) => {
    const look = () => {
      if (!document.querySelector('.prompt.growing')) return;
      const button = [...document.querySelectorAll('button')].find(({ textContent }) => textContent.trim() === ${JSON.stringify(clicked)});
      if (${clicked !== ''} && !button) return;
      observer.disconnect();
      button?.click();
      resolve();
    };
    const observer = new MutationObserver(look);
    observer.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
  })`);
}

/** Resolves when the expression is true of the page. Playwright's own waiting would evaluate it where the security policy forbids that. */
export async function until(page: Page, expression: string, { timeoutMs = 20_000 } = {}): Promise<void> {
  for (const end = Date.now() + timeoutMs; ; await pause(30)) {
    if (await page.evaluate(expression)) return;
    if (Date.now() > end) throw new Error(`Still not true after ${timeoutMs} ms: ${expression}`);
  }
}
