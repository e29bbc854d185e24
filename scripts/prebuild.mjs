/** npm run prebuild: both addon files for this platform, in prebuilds/<platform>-<arch>. libtorch stays out of the package. */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setUp } from './setup.mjs';
import { main, ROOT, show, StepError } from './step.mjs';

const require = createRequire(import.meta.url);

await main(async () => {
  await setUp();
  await show(process.execPath, [require.resolve('prebuildify/bin.js'), '--napi', '--strip', '--tag-libc'], { fail: 'prebuildify failed.' });
  const folder = path.join(ROOT, 'prebuilds', `${process.platform}-${process.arch}`);
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const foreign = files.filter((name) => !name.endsWith('.node'));
  if (foreign.length > 0) throw new StepError(`${folder} holds more than the addon: ${foreign.join(', ')}`);
  console.log(files.map((name) => path.join(folder, name)).join('\n'));
});
