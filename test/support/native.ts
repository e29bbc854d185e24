/** The raw addon, without lib/ above it: what tests of the binding and of how processes end call. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { NativeBinding, NativeImage, NativePixels, NativeTokenLists } from '../../lib/native/types';
import { findLibtorch } from '../../lib/setup/libtorch';
import { libraryName } from '../../lib/setup/libtorch/inspect';
import { testImage } from './images';
import { REPOSITORY } from './python';

export interface NativeFiles {
  loader: string;
  addon: string;
  /** libtorch's, in the order of opening. */
  libraries: string[];
}

/** Where the addon's two files and libtorch are. `INTERROGATOR_ADDON_FOLDER` names another build of the addon. */
export function nativeFiles(): NativeFiles {
  const folder = process.env.INTERROGATOR_ADDON_FOLDER ?? path.join(REPOSITORY, 'build', 'cmake', 'Release');
  const libtorch = findLibtorch();
  if (!libtorch) throw new Error('no libtorch was found: run npm run setup, or set LIBTORCH');
  const file = (name: string): string => {
    const found = path.join(folder, name);
    if (!existsSync(found)) throw new Error(`${found} is not there: run npm run build`);
    return found;
  };
  return {
    loader: file('interrogator_loader.node'),
    addon: file('interrogator.node'),
    libraries: ['c10', 'torch_cpu'].map((name) => path.join(libtorch.path, 'lib', libraryName(name))),
  };
}

export async function openBinding(): Promise<NativeBinding> {
  const { loader, addon, libraries } = nativeFiles();
  await (require(loader) as { open(paths: string[]): Promise<void> }).open(libraries);
  return require(addon) as NativeBinding;
}

export function pixels(seed: number, width = 48, height = 40): NativePixels {
  return testImage(seed, width, height);
}

/** The same as a handle of this binding's. */
export function imageOf(binding: NativeBinding, seed: number, width?: number, height?: number): NativeImage {
  return binding.copyImage(pixels(seed, width, height));
}

/** Texts as lists of token ids. */
export function tokenLists(...texts: readonly (readonly number[])[]): NativeTokenLists {
  const offsets = [0];
  for (const text of texts) offsets.push((offsets.at(-1) as number) + text.length);
  return { ids: Int32Array.from(texts.flat()), offsets: Int32Array.from(offsets) };
}

/** Many different texts of `length` tokens: work for a device. */
export function manyTexts(count: number, length = 12): NativeTokenLists {
  const ids = Int32Array.from({ length: count * length }, (_, i) => 300 + ((Math.imul(i, 2_654_435_761) >>> 0) % 40_000));
  const offsets = Int32Array.from({ length: count + 1 }, (_, i) => i * length);
  return { ids, offsets };
}
