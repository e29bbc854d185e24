/**
 * Parts of a table that is being built, on disk beside the file that it becomes: each a label file of its own, with a checksum and the
 * hash of its labels. The labels are in the order of their texts there, so that a part loses next to nothing of what labels share.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { debuglog } from 'node:util';
import { throwIfAborted } from '../errors';
import type { NativeLabelMatrix } from '../native/types';
import { seal } from './label-file';
import { isOfFile, openLabels, type WantedLabels } from './wanted-labels';

/** Labels begin … end - 1, in the order of their texts. */
export interface Range {
  begin: number;
  end: number;
}

/** Nobody goes on with a build after so long, say because the term list has changed since. */
const FORGOTTEN_MS = 7 * 24 * 3_600_000;

export class LabelParts {
  private constructor(
    private readonly file: string,
    private readonly key: string,
  ) {}

  /** Those of the table that `file` is to hold. Nothing is looked at or made yet. */
  static of({ engine, hash }: WantedLabels, file: string): LabelParts {
    const { name, embedDim } = engine.clipBundle.manifest;
    const key = createHash('sha256').update([name, embedDim, hash].join('\n')).digest('hex').slice(0, 16);
    return new LabelParts(file, key);
  }

  get folder(): string {
    return `${this.file}.${this.key}.parts`;
  }

  /** Held by whoever builds. */
  get lockFile(): string {
    return `${this.file}.${this.key}.lock`;
  }

  /** The ranges that have a file, by their beginnings; none overlaps another. */
  async list(): Promise<Range[]> {
    const names = await readdir(this.folder).catch(() => []);
    const ranges = names.flatMap((name) => {
      const found = /^(\d+)-(\d+)\.safetensors$/.exec(name);
      return found ? { begin: Number(found[1]), end: Number(found[2]) } : [];
    });
    let place = 0;
    return ranges
      .sort((a, b) => a.begin - b.begin || b.end - a.end)
      .filter(({ begin, end }) => {
        if (begin < place || begin >= end) return false;
        place = end;
        return true;
      });
  }

  /** The part's embeddings. A file that is damaged, or of other labels or weights, is removed. */
  async open(part: WantedLabels, range: Range): Promise<NativeLabelMatrix | undefined> {
    const file = this.fileOf(range);
    try {
      return await openLabels(part, file);
    } catch (error) {
      if (!isOfFile(error)) throw error;
      debug('%s is made again: %s', file, error);
      await rm(file, { recursive: true, force: true }).catch(() => {});
      return undefined;
    }
  }

  /** A part that cannot be kept is made again after an interruption. */
  async keep({ engine, call }: WantedLabels, range: Range, matrix: NativeLabelMatrix): Promise<void> {
    const file = this.fileOf(range);
    try {
      await this.makeFolder();
      await engine.binding.writeLabelMatrix(`${file}.part`, matrix);
      await seal(`${file}.part`, file, call.signal);
    } catch (error) {
      throwIfAborted(call.signal);
      debug('%s cannot be kept: %s', file, error);
    }
  }

  /** The table is whole. Parts that other builds of the same file left behind long ago go too. */
  async remove(): Promise<void> {
    await removeFolder(this.folder);
    const beside = await readdir(path.dirname(this.file)).catch(() => []);
    const folders = beside.filter((name) => name.startsWith(`${path.basename(this.file)}.`) && name.endsWith('.parts'));
    for (const name of folders) {
      const folder = path.join(path.dirname(this.file), name);
      const changed = await stat(folder).catch(() => undefined);
      if (changed && Date.now() - changed.mtimeMs > FORGOTTEN_MS) await removeFolder(folder);
    }
  }

  /** Beside the file, in a folder that is made too. */
  async makeFolder(): Promise<void> {
    await mkdir(path.dirname(this.folder), { recursive: true });
    // Where a file system takes no folders, Node.js 20 tries for ever to make one with those above it.
    await mkdir(this.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }

  private fileOf({ begin, end }: Range): string {
    return path.join(this.folder, `${begin}-${end}.safetensors`);
  }
}

async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true }).catch((error) => debug('%s cannot be removed: %s', folder, error));
}

const debug = debuglog('torch-interrogator');
