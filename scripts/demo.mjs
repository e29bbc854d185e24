/** npm run demo: sets up, then asks the command line for caption and prompt of the sample pictures. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { setUp } from './setup.mjs';
import { main, ROOT, StepError, title } from './step.mjs';

const CLI = path.join(ROOT, 'dist', 'cli', 'main.js');
const PICTURES = path.join(ROOT, 'models', 'sample', 'images');
const SAMPLE = ['--clip', 'sample', '--caption', 'sample'];

await main(async () => {
  await setUp();
  title('Captions and prompts of the sample pictures, by the small model that comes with the package');
  const options = [CLI, 'interrogate', PICTURES, ...SAMPLE, '--mode', 'fast', '--device', 'cpu', '--json', '--quiet'];
  const { stdout } = await promisify(execFile)(process.execPath, options).catch((error) => {
    throw new StepError(`The demo did not finish.\n${error.stderr}`);
  });
  for (const line of stdout.trim().split('\n')) {
    const { image, caption, prompt, seconds } = JSON.parse(line);
    console.log(`\n${path.relative(process.cwd(), image)} (${seconds.toFixed(2)} s)\n  caption: ${caption}\n  prompt:  ${prompt}`);
  }
  console.log(`\nYour own picture: npx torch-interrogator interrogate PICTURE ${SAMPLE.join(' ')} --mode best`);
});
