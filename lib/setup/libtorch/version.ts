/** Which libtorch a folder holds. */
import fs from 'node:fs';
import path from 'node:path';

/** The libtorch that the addon is built for: another one's C++ interface differs. */
export const LIBTORCH_VERSION = '2.11.0';

/** What a libtorch says of itself, for example `{version: '2.11.0', build: '2.11.0+cu130', cuda: '13.0'}`. */
export interface LibtorchBuild {
  version: string;
  build: string;
  /** CUDA version that it was built with, null for a CPU build. */
  cuda: string | null;
}

/** Reads `version.py` (Python's torch) or `build-version` (official archives) or the C++ header. Null where all are missing. */
export function readBuild(folder: string): LibtorchBuild | null {
  const python = readText(folder, 'version.py');
  const fromPython = /__version__\s*=\s*'([^']+)'/.exec(python ?? '')?.[1];
  if (fromPython) return describe(fromPython, /^cuda\b[^=]*=\s*'([^']+)'/m.exec(python ?? '')?.[1]);
  const archive = readText(folder, 'build-version')?.trim();
  if (archive) return describe(archive);
  const header = readText(folder, 'include', 'torch', 'headeronly', 'version.h');
  const fromHeader = /#define TORCH_VERSION\s+(?:\\\s*)?"([^"]+)"/.exec(header ?? '')?.[1];
  return fromHeader ? describe(fromHeader) : null;
}

function describe(build: string, cuda?: string): LibtorchBuild {
  const tag = /\+cu(\d+)(\d)$/.exec(build);
  return {
    version: build.replace(/\+.*$/, ''),
    build,
    cuda: cuda ?? (tag ? `${tag[1]}.${tag[2]}` : null),
  };
}

function readText(...parts: string[]): string | undefined {
  try {
    return fs.readFileSync(path.join(...parts), 'utf8');
  } catch {
    return undefined;
  }
}
