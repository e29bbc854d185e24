/** npm run prebuild: both addon files for this platform, in prebuilds/<platform>-<arch>. libtorch stays out of the package. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setUp } from './setup.mjs';
import { BUILD, main, ROOT, StepError, show } from './step.mjs';

const require = createRequire(import.meta.url);

await main(async () => {
  await setUp();
  const folder = path.join(ROOT, 'prebuilds', `${process.platform}-${process.arch}`);
  rmSync(folder, { recursive: true, force: true });
  rmSync(path.join(BUILD, 'Release'), { recursive: true, force: true });
  // Our own program in node-gyp's place: no Node headers to download, no build folder wiped.
  const program = path.join(ROOT, 'scripts', 'gyp-action.mjs');
  const options = ['--napi', '--strip', '--tag-libc', '--node-gyp', program, '--artifacts', path.join(BUILD, 'prebuild')];
  await show(process.execPath, [require.resolve('prebuildify/bin.js'), ...options], { fail: 'prebuildify failed.' });
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const foreign = files.filter((name) => !name.endsWith('.node'));
  if (foreign.length > 0) throw new StepError(`${folder} holds more than the addon: ${foreign.join(', ')}`);
  console.log(files.map((name) => path.join(folder, name)).join('\n'));
});
