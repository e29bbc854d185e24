/**
 * `.tar`: a shard as webdataset reads it: for each picture its own bytes, the text and what else is known. Pictures that failed, and those
 * that cannot be read a second time, are left out.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { throwIfAborted, toInterrogatorError } from '../../../errors';
import type { Picture } from '../../picture';
import { type Row, rowError } from '../../row';
import { rowToObject, textOf } from '../record';
import { WholeFile } from '../whole-file';
import { PictureFault, type Table } from './table';

/** Digits of the samples' keys: their order is the run's. */
const DIGITS = 8;
/** Of a row, by the suffix: webdataset reads `.cls` and the like otherwise. */
const SUFFIX = /^\.(jpe?g|png|webp|gif|bmp|tiff?|avif|jfif)$/i;
/** The same file on any day. */
const NO_TIME = new Date(0);

export async function openWebDataset(file: string): Promise<Table> {
  const { pack } = require('tar-stream') as typeof import('tar-stream');
  const whole = await WholeFile.create(file);
  const archive = pack();
  let failure: unknown;
  const writing = (async () => {
    for await (const piece of archive) await whole.write(piece as Buffer);
  })().catch((error) => {
    failure = error;
    archive.destroy();
  });
  const add = (name: string, content: string | Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      const entry = archive.entry({ name, mtime: NO_TIME, mode: 0o644 }, content, (error) =>
        error ? reject(failure ?? error) : resolve(),
      );
      // It is never called for an archive that was given up.
      if (!entry) reject(failure ?? new Error('closed'));
    });
  let samples = 0;
  return {
    async write(row: Row, picture?: Picture, signal: AbortSignal = new AbortController().signal) {
      const text = textOf(row);
      if (text === undefined || !picture) return;
      if (failure) throw failure;
      const bytes = await bytesOf(picture, signal).catch((cause) => {
        throwIfAborted(signal);
        throw missingFrom(file, picture, cause);
      });
      const key = String(samples).padStart(DIGITS, '0');
      samples += 1;
      await add(`${key}${suffixOf(picture)}`, bytes);
      await add(`${key}.txt`, text);
      await add(`${key}.json`, JSON.stringify(rowToObject(row)));
    },
    async finish() {
      archive.finalize();
      await writing;
      if (failure) throw failure;
      await whole.finish();
    },
    async abandon() {
      archive.destroy();
      await writing;
      await whole.abandon();
    },
  };
}

async function bytesOf(picture: Picture, signal: AbortSignal): Promise<Buffer> {
  const opened = await picture.open(signal);
  return typeof opened === 'string' ? await readFile(opened, { signal }) : opened;
}

function missingFrom(file: string, { name }: Picture, cause: unknown): PictureFault {
  const error = rowError(toInterrogatorError(cause));
  return new PictureFault({ ...error, message: `${name} is not in ${file}, for it cannot be read again: ${error.message}` });
}

/** In lower case, as its decoders are registered. A picture without one is named for what most are. */
function suffixOf({ name }: Picture): string {
  const suffix = path.extname(name).toLowerCase();
  return SUFFIX.test(suffix) ? suffix.replace('.jfif', '.jpg') : '.jpg';
}
