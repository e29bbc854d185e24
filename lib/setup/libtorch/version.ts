/** Which libtorch a folder holds. */
import fs from 'node:fs';
import path from 'node:path';

/** The libtorch that the addon is built for: another one's C++ interface differs. */
export const LIBTORCH_VERSION = '2.11.0';

/** Files that name the version: of Python's torch, of the official archives, and the C++ header. */
const SOURCES: readonly [file: string, version: RegExp][] = [
  ['version.py', /__version__\s*=\s*'([^']+)'/],
  ['build-version', /(\S+)/],
  ['include/torch/headeronly/version.h', /#define TORCH_VERSION\s+(?:\\\s*)?"([^"]+)"/],
];

/** What a libtorch says of itself, with the local part: `2.11.0+cu130`. Undefined where no file says it. */
export function readBuild(folder: string): string | undefined {
  for (const [file, version] of SOURCES) {
    const location = path.join(folder, file);
    const found = fs.existsSync(location) && version.exec(fs.readFileSync(location, 'utf8'));
    if (found) return found[1];
  }
  return undefined;
}
