/** npm run demo: sets up, then asks the command line for caption and prompts of the sample pictures. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setUp } from './setup.mjs';
import { main, ROOT, show, StepError, title } from './step.mjs';

await main(async () => {
  await setUp();
  const folder = path.join(ROOT, 'models', 'sample', 'images');
  const images = existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];
  const [first] = images;
  if (!first) throw new StepError(`${folder} has no pictures.`);
  const cli = (args) =>
    show(process.execPath, [path.join(ROOT, 'dist', 'cli', 'main.js'), 'interrogate', ...args, '--clip', 'sample', '--caption', 'sample', '--device', 'cpu'], {
      fail: 'The demo did not finish.',
    });
  title('Captions of the sample pictures, by the small model that comes with the package');
  await cli([...images, '--mode', 'caption']);
  title(`Prompt for ${path.basename(first)}, mode fast`);
  await cli([first, '--mode', 'fast', '--quiet']);
  title('Your own: node dist/cli/main.js interrogate <image> --clip sample --caption sample --mode best');
});
