/** ExifTool, for the one tag that runs write, and for files of whatever name. */
import { isUtf8 } from 'node:buffer';
import { mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ExifTool } from 'exiftool-vendored';
import { InterrogatorError } from '../../errors';

/** The version that this one was tried with. */
const PACKAGE = 'exiftool-vendored@35.21.0';

export class DescriptionTool {
  private constructor(private readonly exiftool: ExifTool) {}

  /** Rejects with ERR_INVALID_ARGUMENT where the package that does it is not installed. */
  static async open(): Promise<DescriptionTool> {
    try {
      const { ExifTool } = require('exiftool-vendored') as typeof import('exiftool-vendored');
      const exiftool = new ExifTool({ maxProcs: 1 });
      await exiftool.version();
      return new DescriptionTool(exiftool);
    } catch (cause) {
      throw new InterrogatorError('ERR_INVALID_ARGUMENT', 'embed: XMP is written by ExifTool, which is not installed.', {
        hint: `Install it beside this package, with Perl on Linux: npm install ${PACKAGE}`,
        cause,
      });
    }
  }

  /** `dc:description`. */
  async read(file: Buffer): Promise<string | undefined> {
    return await named({ file }, async (names) => {
      const found = (await this.exiftool.readRaw(names.file, { readArgs: ['-XMP-dc:Description', '-struct'] })) as Record<string, unknown>;
      return found.Description as string | undefined;
    });
  }

  /** Makes a file in a folder: what `file` is, with its time of change, and another `dc:description`. `name`: ASCII. */
  async copy(file: Buffer, folder: Buffer, name: string, text: string): Promise<void> {
    await named({ file, folder }, async (names) => {
      const writeArgs = ['-o', path.join(names.folder, name), '-P'];
      await this.exiftool.write(names.file, { 'XMP-dc:Description': text } as never, { writeArgs });
    });
  }

  async close(): Promise<void> {
    await this.exiftool.end();
  }
}

/**
 * Gives `work` absolute paths that ExifTool can be told. It takes its arguments as UTF-8, a line each, and replaces some letters behind a
 * percent sign: what has such a name is reached by a link that has not.
 */
async function named<K extends string, T>(files: Record<K, Buffer>, work: (names: Record<K, string>) => Promise<T>): Promise<T> {
  const entries = Object.entries(files) as [K, Buffer][];
  if (entries.every(([, file]) => isUtf8(file) && !/[\r\n%]/.test(file.toString()))) {
    return await work(Object.fromEntries(entries.map(([key, file]) => [key, path.resolve(file.toString())])) as Record<K, string>);
  }
  const links = await mkdtemp(path.join(tmpdir(), 'torch-interrogator-'));
  try {
    for (const [key, file] of entries) await symlink(await realpath(file, { encoding: 'buffer' }), path.join(links, key));
    return await work(Object.fromEntries(entries.map(([key]) => [key, path.join(links, key)])) as Record<K, string>);
  } finally {
    await rm(links, { recursive: true, force: true });
  }
}
