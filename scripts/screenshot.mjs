/** npm run docs:page: docs/page.png, the page of the server as README shows it, taken from the real one with the sample pair. */
import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { main, ROOT, StepError } from './step.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const TO = path.join(ROOT, 'docs', 'page.png');
const IMAGES = ['apple.png', 'cat-and-pizza.png', 'rocket.png'].map((name) => path.join(ROOT, 'models', 'sample', 'images', name));
const MOST_BYTES = 300_000;

await main(async () => {
  const command = path.join(ROOT, 'dist', 'cli', 'main.js');
  const server = spawn(process.execPath, [command, 'serve', '--clip', 'sample', '--caption', 'sample', '--port', '0']);
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light', reducedMotion: 'reduce' });
    await page.goto(await addressOf(server));
    await page.getByRole('button', { name: 'Go on with the sample' }).click();
    await page.getByTestId('files').first().setInputFiles(IMAGES);
    await page.getByTestId('negative-prompt').waitFor();
    await page.locator('.server-state.ready').waitFor();
    await page.locator('[aria-busy=true]').waitFor({ state: 'detached' });
    await page.screenshot({ path: TO });
  } finally {
    await browser.close();
    server.kill();
  }
  const { size } = statSync(TO);
  if (size > MOST_BYTES) throw new StepError(`${path.relative(ROOT, TO)} has ${size} bytes, more than the ${MOST_BYTES} that it may.`);
  console.log(`${path.relative(ROOT, TO)}: ${Math.round(size / 1000)} kB`);
});

/** Where a server listens, as it says on its output. */
function addressOf(server) {
  return new Promise((resolve, reject) => {
    let output = '';
    const onData = (data) => {
      output += data;
      const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? [];
      if (found) resolve(found);
    };
    server.stdout.on('data', onData);
    server.stderr.on('data', onData);
    server.on('exit', (code) => reject(new StepError(`serve ended with ${code}:\n${output}`)));
  });
}
