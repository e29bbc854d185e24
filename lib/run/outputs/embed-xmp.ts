/** Texts within the pictures' own files, as XMP, by ExifTool: it rewrites metadata alone, never pixels. */
import type { ExifTool } from 'exiftool-vendored';
import { InterrogatorError } from '../../errors';
import type { Row } from '../row';
import { textOf } from './record';

/** The version that this one was tried with. */
const PACKAGE = 'exiftool-vendored@35.21.0';

export class Embedding {
  private constructor(private readonly exiftool: ExifTool) {}

  /** Rejects with ERR_INVALID_ARGUMENT where the package that does it is not installed. */
  static async open(): Promise<Embedding> {
    try {
      const { ExifTool } = require('exiftool-vendored') as typeof import('exiftool-vendored');
      const exiftool = new ExifTool({ maxProcs: 1 });
      await exiftool.version();
      return new Embedding(exiftool);
    } catch (cause) {
      throw new InterrogatorError('ERR_INVALID_ARGUMENT', 'embed: XMP is written by ExifTool, which is not installed.', {
        hint: `Install it beside this package, with Perl on Linux: npm install ${PACKAGE}`,
        cause,
      });
    }
  }

  /** Puts the row's text into `dc:description`. Does nothing where it is there. Rejects with ERR_IO, also for formats that have no XMP. */
  async write(file: string, row: Row): Promise<void> {
    const text = textOf(row);
    if (text === undefined) return;
    if (/[\r\n]/.test(file)) {
      // ExifTool takes its arguments a line each.
      throw new InterrogatorError('ERR_IO', `The text cannot be written into ${JSON.stringify(file)}: its name has a line break.`, {
        hint: 'Rename the picture, or write a text file beside it (--sidecar .txt).',
      });
    }
    try {
      const found = (await this.exiftool.readRaw(file, { readArgs: ['-XMP-dc:Description', '-struct'] })) as { Description?: unknown };
      if (found.Description === text) return;
      // Under another name first, and with the picture's own time of change.
      await this.exiftool.write(file, { 'XMP-dc:Description': text } as never, { writeArgs: ['-overwrite_original', '-P'] });
    } catch (cause) {
      const [why] = String((cause as Error).message).split('\n');
      throw new InterrogatorError('ERR_IO', `The text cannot be written into ${file}: ${why}.`, {
        hint: 'JPEG, PNG, WebP, GIF, TIFF and AVIF take XMP; BMP does not. The folder must take files.',
        cause,
      });
    }
  }

  async close(): Promise<void> {
    await this.exiftool.end();
  }
}
