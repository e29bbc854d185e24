#!/usr/bin/env node
/**
 * What binding.gyp and prebuildify run in node-gyp's place: the CMake build, its addon copied to build/Release. The loader
 * waits in build/prebuild, because prebuildify takes one addon only and copies that folder beside it.
 */
import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { buildNative, CMAKE_BUILD } from './native-build.mjs';
import { provideLibtorch } from './setup.mjs';
import { BUILD, main } from './step.mjs';

await main(async () => {
  await buildNative({ libtorch: (await provideLibtorch()).path });
  const libc = process.platform === 'linux' ? '.glibc' : '';
  copy('interrogator.node', path.join(BUILD, 'Release', 'interrogator.node'));
  if (process.argv.includes('--gyp')) copy('interrogator_loader.node', path.join(BUILD, 'Release', 'interrogator_loader.node'));
  else copy('interrogator_loader.node', path.join(BUILD, 'prebuild', `interrogator_loader${libc}.node`));
});

function copy(name, target) {
  mkdirSync(path.dirname(target), { recursive: true });
  copyFileSync(path.join(CMAKE_BUILD, 'Release', name), target);
}
