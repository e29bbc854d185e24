/** What C++ needs of a wheel (a zip archive), written below a folder. */
import fs from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Entry } from 'yauzl';
import { throwIfAborted } from '../../errors';

export interface UnpackOptions {
  wanted: (name: string) => boolean;
  signal?: AbortSignal;
  /** Bytes written so far and in all. */
  onProgress?: (done: number, total: number) => void;
}

/** A wheel holds thousands of small headers, each of which waits for the disk. */
const WRITERS = 16;

/** Writes the wanted entries below `folder`. yauzl refuses names that lead out of it. */
export async function unpackWheel(file: string, folder: string, { wanted, signal, onProgress }: UnpackOptions): Promise<void> {
  const { openPromise } = require('yauzl') as typeof import('yauzl');
  const zip = await openPromise(file, { autoClose: false });
  try {
    const entries: Entry[] = [];
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith('/') && wanted(entry.fileName)) entries.push(entry);
    }
    const total = entries.reduce((sum, entry) => sum + entry.uncompressedSize, 0);
    let done = 0;
    const write = async (entry: Entry): Promise<void> => {
      const target = path.join(folder, entry.fileName);
      await mkdir(path.dirname(target), { recursive: true });
      const content = await zip.openReadStreamPromise(entry);
      content.on('data', (chunk: Uint8Array) => {
        done += chunk.length;
        onProgress?.(done, total);
      });
      await pipeline(content, fs.createWriteStream(target, { mode: 0o755 }), { signal });
    };
    const queue = entries.values();
    await Promise.all(
      Array.from({ length: WRITERS }, async () => {
        for (const entry of queue) {
          throwIfAborted(signal);
          await write(entry);
        }
      }),
    );
  } finally {
    zip.close();
  }
}

/** Libraries, headers and licences; not the Python half, and without CUDA not its gigabyte of kernels. */
export function neededByCpp(variant: 'cpu' | 'cuda'): (name: string) => boolean {
  return (name) => {
    if (/\.dist-info\/(METADATA|.*(LICENSE|NOTICE).*)$/i.test(name)) return true;
    if (name === 'torch/version.py' || name.startsWith('torch/include/')) return true;
    if (!/^(torch|nvidia\/[^/]+)\/lib\//.test(name)) return false;
    if (/(^|\/)libtorch_python|\.a$/.test(name)) return false;
    return variant === 'cuda' || !/\/lib\/lib(torch_cuda|torch_nvshmem|c10_cuda|caffe2_nvrtc)[^/]*$/.test(name);
  };
}
