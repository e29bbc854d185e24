/** Files that trainers read: the hub's ImageFolder, kohya's sd-scripts, and plain text. Pictures that failed are left out. */
import { isUtf8 } from 'node:buffer';
import path from 'node:path';
import type { Row } from '../../row';
import { rowToObject, textOf } from '../record';
import { WholeFile } from '../whole-file';
import { PictureFault, type Table } from './table';

/**
 * `metadata.jsonl` of Hugging Face's ImageFolder (https://huggingface.co/docs/datasets/image_dataset#imagefolder): `file_name` below the
 * file's own folder, `text`, and what else is known. Pictures elsewhere, which it cannot name, are left out.
 */
export async function openImageFolder(file: string): Promise<Table> {
  const folder = path.dirname(path.resolve(file));
  const whole = await WholeFile.create(file);
  return {
    async write(row) {
      const text = textOf(row);
      if (text === undefined || !row.file) return;
      const name = path.relative(folder, path.resolve(nameOf(row, file)));
      if (/^\.\.(\/|$)/.test(name) || path.isAbsolute(name)) return;
      // The reader takes `::` for a path within an archive, and fails for the whole folder; of a backslash it makes a slash.
      if (/::|\\/.test(name)) throw unnamed(row, file);
      const { image: _, prompt: __, error: ___, ...more } = rowToObject(row);
      await whole.write(`${JSON.stringify({ file_name: name.split(path.sep).join('/'), text, ...more })}\n`);
    },
    finish: () => whole.finish(),
    abandon: () => whole.abandon(),
  };
}

/**
 * The metadata of kohya's sd-scripts (`--in_json`): an object with the caption of each picture by its absolute path, as
 * `merge_captions_to_metadata.py --full_path` writes it.
 */
export async function openKohya(file: string): Promise<Table> {
  const whole = await WholeFile.create(file);
  let first = true;
  return {
    async write(row) {
      const text = textOf(row);
      // The trainer opens the path.
      if (text === undefined || !row.file) return;
      const name = path.resolve(nameOf(row, file));
      // It reads the first line alone.
      const caption = onOneLine(text);
      await whole.write(`${first ? '{' : ','}\n  ${JSON.stringify(name)}: ${JSON.stringify({ caption })}`);
      first = false;
    },
    async finish() {
      await whole.write(first ? '{}\n' : '\n}\n');
      await whole.finish();
    },
    abandon: () => whole.abandon(),
  };
}

/** `.txt`: a text a line. */
export async function openText(file: string): Promise<Table> {
  const whole = await WholeFile.create(file);
  return {
    async write(row: Row) {
      const text = textOf(row);
      if (text !== undefined) await whole.write(`${onOneLine(text)}\n`);
    },
    finish: () => whole.finish(),
    abandon: () => whole.abandon(),
  };
}

/** The picture's path. Throws a PictureFault where a string cannot hold it. */
function nameOf(row: Row, file: string): string {
  if (row.file && isUtf8(row.file)) return row.file.toString();
  throw unnamed(row, file);
}

function unnamed({ name }: Row, file: string): PictureFault {
  return new PictureFault({
    code: 'ERR_IO',
    message: `${name} is not in ${file}, whose readers cannot name it.`,
    hint: 'Give the picture a name in UTF-8, without :: and \\.',
  });
}

function onOneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ').trim();
}
