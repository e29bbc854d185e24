/** What binding.gyp runs: the CMake build, its two addon files copied to where gyp's callers look. */
import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { buildNative, CMAKE_BUILD } from './native-build.mjs';
import { compileTypeScript, provideLibtorch } from './setup.mjs';
import { main } from './step.mjs';

await main(async () => {
  const target = path.resolve(process.argv[2]);
  await compileTypeScript();
  await buildNative({ libtorch: (await provideLibtorch()).path });
  mkdirSync(target, { recursive: true });
  for (const name of ['interrogator.node', 'interrogator_loader.node']) {
    copyFileSync(path.join(CMAKE_BUILD, 'Release', name), path.join(target, name));
  }
});
