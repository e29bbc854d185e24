/** What C++ needs of a wheel (a zip archive), written below a folder. */
import fs from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Entry } from 'yauzl';

/** A wheel holds thousands of small headers, each of which waits for the disk. */
const WRITERS = 16;

/** Writes what the variant needs below `folder`; tells the bytes so far and in all. yauzl refuses names that lead out of the folder. */
export async function unpackWheel(
  file: string,
  folder: string,
  variant: 'cpu' | 'cuda',
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const { openPromise } = require('yauzl') as typeof import('yauzl');
  const zip = await openPromise(file, { autoClose: false });
  try {
    const entries: Entry[] = [];
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith('/') && isNeeded(entry.fileName, variant)) entries.push(entry);
    }
    const total = entries.reduce((sum, entry) => sum + entry.uncompressedSize, 0);
    let done = 0;
    const queue = entries.values();
    const write = async (): Promise<void> => {
      for (const entry of queue) {
        const target = path.join(folder, entry.fileName);
        await mkdir(path.dirname(target), { recursive: true });
        const content = await zip.openReadStreamPromise(entry);
        content.on('data', (chunk: Uint8Array) => {
          done += chunk.length;
          onProgress(done, total);
        });
        await pipeline(content, fs.createWriteStream(target, { mode: 0o755 }));
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, write));
  } finally {
    zip.close();
  }
}

/** Libraries, headers and licences; not the Python half, and without CUDA not its gigabyte of kernels. */
function isNeeded(name: string, variant: 'cpu' | 'cuda'): boolean {
  if (/\.dist-info\/(METADATA|.*(LICENSE|NOTICE).*)$/i.test(name)) return true;
  if (name === 'torch/version.py' || name.startsWith('torch/include/')) return true;
  if (!/^(torch|nvidia\/[^/]+)\/lib\//.test(name)) return false;
  if (/(^|\/)libtorch_python|\.a$/.test(name)) return false;
  return variant === 'cuda' || !/\/lib\/lib(torch_cuda|torch_nvshmem|c10_cuda|caffe2_nvrtc)[^/]*$/.test(name);
}
