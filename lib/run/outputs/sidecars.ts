/** Text files beside the pictures, or in a folder of their own with the same subfolders. */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { IMAGE_SUFFIXES, type Mode } from '../../api';
import { InterrogatorError } from '../../errors';
import { outputFault } from '../disk-fault';
import { digestOf, Offsets } from '../ledger/offsets';
import type { Picture } from '../picture';
import type { Row } from '../row';
import { parentOf } from './parent-folder';
import { type Existing, isBlank, joinedText, markOf, markText, type Own } from './sidecar-text';
import { LeftFiles, TEMPORARY_BASE, temporaryName } from './temporary';

export interface SidecarOptions {
  /** With its dot. Default '.txt'. */
  extension?: string;
  /**
   * How the files are called: {stem} is the picture's name without its suffix, {name} with it, {ext} the extension, {mode} the text's mode.
   * Default '{stem}{ext}'. Further modes' have the mode before the suffix where it is not named: '{stem}.{mode}{ext}'.
   */
  name?: string;
  /** Puts them there, in subfolders as the pictures are below the folder that was named. Default: beside the pictures. */
  folder?: string;
  /** What to do with a file that no run has written. 'skip' (default) leaves the picture alone, too; the others keep or replace its text. */
  existing?: Existing;
  /** All texts of a picture in one file, a line each. Default false: a file a mode. */
  lines?: boolean;
}

/** What runs remember of the sidecars of a picture, by their names: the mark of what was last written, and of what was there before it. */
export type SidecarMarks = Readonly<Record<string, string>>;

interface Target {
  file: Buffer;
  /** Under which it is remembered. */
  name: string;
  /** Which of the row's texts; undefined for all of them. */
  place: number | undefined;
}

export class Sidecars {
  /** Files that a picture of this run has. */
  private readonly claimed = new Offsets();
  private readonly left = new LeftFiles();
  private readonly extension: string;
  private readonly existing: Existing;
  private count = 0;

  constructor(private readonly options: SidecarOptions & { modes: readonly Mode[] }) {
    this.extension = options.extension ?? '.txt';
    this.existing = options.existing ?? 'skip';
    const [wrong] = [...(options.name ?? '').matchAll(/\{(\w+)\}/g)].filter(([, name]) => !VARIABLES.includes(name as string));
    if (wrong) {
      throw new InterrogatorError('ERR_INVALID_ARGUMENT', `sidecar: ${wrong[0]} stands for nothing.`, {
        hint: `Known are ${VARIABLES.map((name) => `{${name}}`).join(' ')}.`,
      });
    }
    this.refuseNames();
  }

  /** A text must not take the place of a picture, and has its own folder. */
  private refuseNames(): void {
    const { name = '{stem}{ext}' } = this.options;
    const suffix = path
      .extname(name.replaceAll('{ext}', this.extension).replaceAll('{name}', 'x.png').replaceAll('{stem}', 'x'))
      .toLowerCase();
    const fault = /[/\0]/.test(name + this.extension)
      ? 'has a slash in it'
      : !/\{(stem|name)\}/.test(name)
        ? 'is the same for all pictures'
        : IMAGE_SUFFIXES.has(suffix)
          ? "is a picture's"
          : undefined;
    if (fault === undefined) return;
    const shownName = name.replaceAll('{ext}', this.extension);
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `sidecar: the name ${JSON.stringify(shownName)} ${fault}.`, {
      hint: 'Choose a suffix such as .txt, and a name with {stem} or {name}; sidecar-dir is for another folder.',
    });
  }

  /** Files that were written. */
  get written(): number {
    return this.count;
  }

  /** Gives the picture its files. Another one with the same files comes too late: an error says so. Pictures are claimed for in their order. */
  claim(picture: Picture): InterrogatorError | undefined {
    const targets = this.targets(picture);
    const owner = ownerOf(picture.file ?? Buffer.alloc(0));
    if (targets.length === 0) {
      const message = `${picture.name} is no file of its own, beside which a text could be written.`;
      return new InterrogatorError('ERR_INVALID_ARGUMENT', message, {
        hint: 'Write one file of all texts with the option out (--out FILE).',
      });
    }
    for (const { file } of targets) {
      const key = digestOf(file.toString('latin1'));
      const other = this.claimed.get(key);
      if (other !== undefined && other !== owner) return takenFault(file, other % NAMES === owner % NAMES);
      this.claimed.set(key, owner);
    }
    return undefined;
  }

  /** Whether the picture has a text of another hand, and is to be left alone. */
  async skips(picture: Picture, marks: SidecarMarks | undefined): Promise<boolean> {
    const [first] = this.targets(picture);
    if (this.existing !== 'skip' || !first) return false;
    const there = await readFile(first.file).catch(() => undefined);
    return there !== undefined && !isBlank(there.toString('latin1')) && ownOf(there, marks?.[first.name]) === undefined;
  }

  /**
   * Writes what is not there yet. Before anything is written, `remember` is given what is to be known of it by a later run, also where
   * this one ends in between. Rejects with ERR_IO.
   */
  async write(picture: Picture, row: Row, marks: SidecarMarks = {}, remember: (marks: SidecarMarks) => Promise<void>): Promise<void> {
    const planned: { file: Buffer; content: string }[] = [];
    const made: Record<string, string> = {};
    for (const { file, name, place } of this.targets(picture)) {
      const text = textOf(row, place);
      if (text === undefined) continue;
      const there = await this.read(file);
      const kept = there && markThat(there, marks[name]);
      const bytes = there?.toString('latin1');
      refuseWide(file, bytes, this.existing);
      const joined = joinedText(
        Buffer.from(text).toString('latin1'),
        bytes,
        kept === undefined ? undefined : markOf(kept)?.own,
        this.existing,
      );
      if (!joined) continue;
      const mark = markText(sha256(Buffer.from(joined.content, 'latin1')), joined.own);
      // Until it is written, what the file has now is known, too.
      made[name] = kept === undefined || kept === mark ? mark : `${mark} ${kept}`;
      if (bytes !== joined.content) planned.push({ file, content: joined.content });
    }
    if (planned.length === 0 && Object.keys(made).every((name) => marks[name]?.split(' ')[0] === made[name])) return;
    await remember({ ...marks, ...made });
    for (const { file, content } of planned) {
      await this.replace(file, content).catch((error) => {
        throw outputFault(shown(file), error);
      });
      this.count += 1;
    }
  }

  private async read(file: Buffer): Promise<Buffer | undefined> {
    return readFile(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw outputFault(shown(file), error);
      return undefined;
    });
  }

  /** Under another name first: who reads it sees the old text or the new one. A link stays one. */
  private async replace(named: Buffer, content: string): Promise<void> {
    if (this.options.folder !== undefined) await mkdir(parentOf(named), { recursive: true });
    const file = await realpath(named, { encoding: 'buffer' }).catch(() => named);
    await this.left.remove(parentOf(file));
    const temporary = Buffer.concat([parentOf(file), SLASH, Buffer.from(temporaryName(TEMPORARY_BASE))]);
    const mode = (await stat(file).catch(() => undefined))?.mode;
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(Buffer.from(content, 'latin1'));
      if (mode !== undefined) await handle.chmod(mode & 0o777);
      await handle.close();
      await rename(temporary, file);
    } catch (error) {
      await handle.close().catch(() => {});
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
  }

  private targets({ file, root }: Picture): Target[] {
    if (!file) return [];
    const { modes, lines, folder } = this.options;
    const places = lines ? [undefined] : modes.map((_, place) => place);
    return places.map((place) => {
      const name = this.nameOf(file, place);
      const whole = Buffer.concat([folderOf(file, root, folder), SLASH, Buffer.from(name, 'latin1')]);
      // Those beside the picture and those elsewhere are remembered apart.
      return { file: whole, name: folder === undefined ? name : `${path.resolve(folder)}: ${name}`, place };
    });
  }

  /** Bytes, each a character. */
  private nameOf(file: Buffer, place: number | undefined): string {
    const { name: given, modes } = this.options;
    const mode = modes[place ?? 0] as Mode;
    const template = place ? ofFurtherMode(given ?? USUAL) : (given ?? USUAL);
    const name = file.subarray(file.lastIndexOf('/') + 1).toString('latin1');
    const dot = name.lastIndexOf('.');
    const values: Readonly<Record<string, string>> = {
      stem: dot > 0 ? name.slice(0, dot) : name,
      name,
      ext: Buffer.from(this.extension).toString('latin1'),
      mode,
    };
    return Buffer.from(template)
      .toString('latin1')
      .replace(/\{(\w+)\}/g, (_, variable: string) => values[variable] as string);
  }
}

/** Of a number for each picture's owner, what tells of its name alone. */
const NAMES = 2 ** 16;

/** A number for a picture: 32 bits of where it is, however it was named, and 16 of its name. */
function ownerOf(file: Buffer): number {
  const whole = file.toString('latin1');
  const place = Number.parseInt(digestOf(path.resolve(whole)).slice(0, 8), 16);
  return place * NAMES + Number.parseInt(digestOf(path.basename(whole)).slice(0, 4), 16);
}

function takenFault(file: Buffer, hasSameName: boolean): InterrogatorError {
  const taken = `The text file ${shown(file)} is another picture's`;
  if (!hasSameName) {
    return new InterrogatorError('ERR_IO', `${taken}, whose name differs in the suffix alone.`, {
      hint: 'Keep the suffix in the name: --sidecar-name "{name}{ext}".',
    });
  }
  return new InterrogatorError('ERR_IO', `${taken}, which has the same name in another folder.`, {
    hint: 'Give the folder above both instead, whose subfolders --sidecar-dir repeats, or give each folder a run with a --sidecar-dir of its own.',
  });
}

const USUAL = '{stem}{ext}';

/** The mode goes before the suffix, where it is not named: `{name}.{mode}{ext}`. */
function ofFurtherMode(template: string): string {
  if (template.includes('{mode}')) return template;
  return template.includes('{ext}') ? template.replace('{ext}', '.{mode}{ext}') : template.replace(/(\.[^.{}]*)?$/, '.{mode}$1');
}

const VARIABLES: readonly string[] = ['stem', 'name', 'ext', 'mode'];
const SLASH = Buffer.from('/');

function folderOf(file: Buffer, root: Buffer | undefined, folder: string | undefined): Buffer {
  const parent = parentOf(file);
  if (folder === undefined) return parent;
  const below = root && parent.subarray(0, root.length).equals(root) ? parent.subarray(root.length) : Buffer.alloc(0);
  return Buffer.concat([Buffer.from(path.resolve(folder)), ...(below.length > 0 && below[0] !== 0x2f ? [SLASH] : []), below]);
}

/** What of the content an earlier run wrote; undefined for nothing. */
function ownOf(there: Buffer, marks: string | undefined): Own | undefined {
  const mark = markThat(there, marks);
  return mark === undefined ? undefined : markOf(mark)?.own;
}

/** The mark that the content has. */
function markThat(there: Buffer, marks = ''): string | undefined {
  const content = sha256(there);
  return marks.split(' ').find((mark) => markOf(mark)?.sha256 === content);
}

/** What has two bytes a letter cannot be added to. */
function refuseWide(file: Buffer, there: string | undefined, existing: Existing): void {
  if (!/^(?:\xff\xfe|\xfe\xff)/.test(there ?? '') || existing === 'skip' || existing === 'overwrite') return;
  throw new InterrogatorError('ERR_IO', `The text file ${shown(file)} is UTF-16, to which nothing can be added.`, {
    hint: 'Save it as UTF-8.',
  });
}

/** Of one mode, or a line each. */
function textOf({ texts = [] }: Row, place: number | undefined): string | undefined {
  return place === undefined ? texts.map(({ text }) => onOneLine(text)).join('\n') : texts[place]?.text;
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function onOneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ');
}

function shown(file: Buffer): string {
  return file.toString();
}
