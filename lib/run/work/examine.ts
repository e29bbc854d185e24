/** One picture of a run: whether it is known, what is missing of it, and what comes of it. */
import path from 'node:path';
import { type ErrorCode, hasCode, toInterrogatorError } from '../../errors';
import { sha256Of } from '../content';
import { shownPath } from '../inputs/shown-path';
import { asKept } from '../ledger/feature-file';
import type { Ledger } from '../ledger/ledger';
import type { PictureLine } from '../ledger/line';
import { Offsets } from '../ledger/offsets';
import type { RunTask } from '../options';
import type { Picture } from '../picture';
import { type RowError, rowError } from '../row';
import type { Devices } from './devices';
import type { Plan } from './keys';
import type { Known, Made } from './worker';

/** What to do with what is known. */
export type Again =
  /** Only what is missing; of errors, those that may pass by themselves. */
  | 'missing'
  /** Only pictures that came to an error. */
  | 'errors'
  /** Everything. */
  | 'all';

export interface Examination {
  line: PictureLine;
  /** Something was computed now. */
  isNew: boolean;
  /** It went through the image tower now. */
  isEncoded?: boolean;
  /** Unit-length image features as they are kept, in float16's precision; only where the run asks for them. */
  features?: Float32Array;
}

export interface ExaminerOptions {
  devices: Devices;
  task: RunTask;
  plan: Plan;
  /** Without one everything is made anew, and nothing is kept. */
  ledger: Ledger | undefined;
  again: Again;
  signal: AbortSignal;
}

/** Errors of the picture itself: its content would have to change. */
const LASTING: readonly string[] = [
  'ERR_IMAGE_EMPTY',
  'ERR_IMAGE_FORMAT',
  'ERR_IMAGE_TRUNCATED',
  'ERR_IMAGE_CORRUPT',
  'ERR_IMAGE_SIZE',
] satisfies ErrorCode[];
/** A file that is being written may be read again so often. */
const TRIES = 3;

/** A picture whose content is known. */
interface Found {
  sha256: string;
  image: string;
  stamp?: string;
}

export class Examiner {
  /** Contents that are worked on now: what comes meanwhile with the same content waits for its results. */
  private readonly underway = new Map<string, Promise<unknown>>();
  /** Contents that were tried in this run. */
  private readonly tried = new Offsets();
  /** Keys of all that each picture needs. */
  private readonly wanted: readonly string[];

  constructor(private readonly options: ExaminerOptions) {
    const { modes, similarities, terms, rank, features } = options.plan;
    const keys = [...modes, ...similarities, ...(terms ? [terms] : []), ...(rank ? [rank] : [])];
    this.wanted = (keys.length > 0 ? keys : [features]).map(({ key }) => key);
  }

  private get wantsFeatures(): boolean {
    return this.options.task.kind === 'features';
  }

  /** Undefined where the picture is not to be looked at. Rejects where the state cannot be kept, and with AbortError. */
  async examine(picture: Picture): Promise<Examination | undefined> {
    const { ledger, again } = this.options;
    if (!ledger) return whileHeld((until) => this.unkept(picture, until));
    const image = placeOf(picture, path.dirname(ledger.folder));
    const last = await ledger.ofImage(image);
    if (again === 'errors' && !last) return undefined;
    for (let changes = 0; changes < TRIES; ) {
      const examined = await whileHeld((until) => this.tryOnce(picture, image, last, ledger, until));
      if (examined === 'changed') changes += 1;
      else if (examined && 'after' in examined) await examined.after;
      else return examined;
    }
    const message = `${NAME_MARK} changes while it is read.`;
    return this.unread(image, last, { code: 'ERR_IO', message, hint: 'Run again when nothing writes to it any more.' });
  }

  private async tryOnce(picture: Picture, image: string, last: PictureLine | undefined, ledger: Ledger, until: Promise<void>) {
    let found: Found;
    let content: string | Buffer | undefined;
    try {
      const stamp = await picture.stamp?.();
      const isUnchanged = stamp !== undefined && last?.sha256 && last.stamp === stamp;
      if (!isUnchanged) content = await picture.open(this.options.signal, until);
      const sha256 = content === undefined ? (last?.sha256 as string) : await sha256Of(content, this.options.signal);
      found = { sha256, image, ...(stamp !== undefined && { stamp }) };
    } catch (error) {
      return this.unread(image, last, this.errorOf(picture, error));
    }
    // One after the other: each may find what it needs in what the one before it has left.
    for (let other = this.underway.get(found.sha256); other; other = this.underway.get(found.sha256)) {
      const after = other.catch(() => {});
      // What it holds in memory must not keep the other one from being read.
      if (Buffer.isBuffer(content)) return { after };
      await after;
    }
    const work = this.ofContent(picture, found, content ?? (() => picture.open(this.options.signal, until)), last, ledger);
    this.underway.set(found.sha256, work);
    return await work.finally(() => this.underway.delete(found.sha256));
  }

  /** 'changed': the file was written to while it was read, so that what was made of it is of neither content. */
  private async ofContent(
    picture: Picture,
    found: Found,
    content: string | Buffer | (() => Promise<string | Buffer>),
    last: PictureLine | undefined,
    ledger: Ledger,
  ): Promise<Examination | undefined | 'changed'> {
    const { plan, again } = this.options;
    const known = await ledger.ofContent(found.sha256);
    const readFeatures = async () => known && (await ledger.features(known, plan.features.key));
    const wanted = this.wantsFeatures ? await readFeatures() : undefined;
    const failedBefore = again === 'errors' ? last?.errors : undefined;
    const missing = new Set(
      this.wanted.filter(
        (key) => (failedBefore?.[key] && this.tried.get(found.sha256) === undefined) || this.isMissing(found, known, key, wanted),
      ),
    );
    if (missing.size === 0) {
      if (again === 'errors' && !this.wanted.every((key) => known && isDone(known, key))) return undefined;
      const isRecorded = last !== undefined && last.sha256 === found.sha256 && last.stamp === found.stamp;
      const line = isRecorded && known ? own(known, found, last) : await ledger.add({ line: { ...found, ...sidecarsOf(last) } });
      return { line, isNew: false, ...(wanted && { features: wanted }) };
    }
    const isAnew = again === 'all' && this.tried.get(found.sha256) === undefined;
    const made = await this.outcomeOf(picture, async () => {
      const opened = typeof content === 'function' ? await content() : content;
      return this.make(opened, missing, isAnew ? {} : { features: wanted ?? (await readFeatures()), results: known?.results });
    });
    if (found.stamp !== undefined && (await picture.stamp?.().catch(() => undefined)) !== found.stamp) return 'changed';
    this.tried.set(found.sha256, 0);
    const { features: encoded, error, ...rest } = made;
    const line = await ledger.add({
      line: { ...found, ...rest, ...sidecarsOf(last), ...(error && { errors: errorsOf(missing, error) }) },
      ...(encoded && { features: { [plan.features.key]: encoded } }),
    });
    const shown = this.wantsFeatures && encoded ? { features: asKept(encoded) } : {};
    return { line, isNew: true, isEncoded: encoded !== undefined, ...shown };
  }

  /** Without a ledger, of whatever content. */
  private async unkept(picture: Picture, until: Promise<void>): Promise<Examination> {
    const { signal } = this.options;
    let sha256: string | null = null;
    let stamp: string | undefined;
    const { features, error, ...rest } = await this.outcomeOf(picture, async () => {
      stamp = await picture.stamp?.();
      const content = await picture.open(signal, until);
      // Of what cannot be read, who decodes it says why.
      sha256 = await sha256Of(content, signal).catch(() => null);
      return this.make(content, new Set(this.wanted), {});
    });
    const errors = error && { errors: errorsOf(this.wanted, error) };
    return {
      line: { sha256, image: picture.name, ...(stamp !== undefined && { stamp }), ...rest, ...errors },
      isNew: true,
      isEncoded: features !== undefined,
      ...(features && { features }),
    };
  }

  /** A picture that could not be read. It is tried again the next time. */
  private async unread(image: string, last: PictureLine | undefined, error: RowError): Promise<Examination> {
    const line: PictureLine = { sha256: null, image, errors: errorsOf(this.wanted, error) };
    const isRecorded = last?.sha256 === null && JSON.stringify(last.errors) === JSON.stringify(line.errors);
    if (!isRecorded) await this.options.ledger?.add({ line: { ...line, ...sidecarsOf(last) } });
    return { line, isNew: true };
  }

  private make(content: string | Buffer, missing: ReadonlySet<string>, known: Known): Promise<Made> {
    const { devices, task, plan, signal } = this.options;
    return devices.use(signal, (worker) => worker.make(content, task, plan, missing, known, signal));
  }

  private async outcomeOf(picture: Picture, make: () => Promise<Made>): Promise<Partial<Made> & { error?: RowError }> {
    try {
      return await make();
    } catch (cause) {
      return { error: this.errorOf(picture, cause) };
    }
  }

  private isMissing({ sha256 }: Found, known: PictureLine | undefined, key: string, features: Float32Array | undefined): boolean {
    const { again, plan } = this.options;
    const error = known?.errors?.[key];
    // A row that the disk does not have any more counts for nothing.
    const isThere = known !== undefined && (key === plan.features.key ? features !== undefined : isDone(known, key));
    if (this.tried.get(sha256) !== undefined) return !isThere && !error;
    if (again === 'all') return true;
    if (error) return again === 'errors' || !LASTING.includes(error.code);
    return !isThere && again !== 'errors';
  }

  /** Throws what ends the run: every later picture would fail alike. */
  private errorOf({ name, file }: Picture, cause: unknown): RowError {
    const error = toInterrogatorError(cause);
    if (this.options.signal.aborted || hasCode(error, ...FATAL)) throw error;
    const record = rowError(error);
    // The same content may have another name the next time.
    const names = [name, file?.toString() ?? name, 'the image buffer'].sort((a, b) => b.length - a.length);
    return { ...record, message: names.reduce((text, each) => text.replaceAll(each, NAME_MARK), record.message) };
  }
}

/** What `work` opens counts as held until its end. */
async function whileHeld<T>(work: (until: Promise<void>) => Promise<T>): Promise<T> {
  let end = (): void => {};
  const until = new Promise<void>((resolve) => {
    end = resolve;
  });
  return await work(until).finally(() => end());
}

/** Stands for the picture's name in kept errors. */
export const NAME_MARK = '{image}';

const FATAL: readonly ErrorCode[] = [
  'ERR_ABORTED',
  'ERR_DISPOSED',
  'ERR_VOCABULARY_NOT_FOUND',
  'ERR_CAPTION_MODEL_MISSING',
  'ERR_DEVICE',
  'ERR_TOKENIZER',
  'ERR_LABELS_DAMAGED',
  'ERR_LABELS_MISMATCH',
];

function isDone(known: PictureLine, key: string): boolean {
  return known.results?.[key] !== undefined || known.features?.[key] !== undefined;
}

function errorsOf(keys: Iterable<string>, error: RowError): Record<string, RowError> {
  return Object.fromEntries([...keys].map((key) => [key, error]));
}

/** What is known of the content, which another name may have, as this picture's. */
function own({ sidecars: _, ...known }: PictureLine, found: Found, last: PictureLine): PictureLine {
  return { ...known, ...found, ...sidecarsOf(last) };
}

function sidecarsOf(last: PictureLine | undefined): Pick<PictureLine, 'sidecars'> {
  return last?.sidecars ? { sidecars: last.sidecars } : {};
}

/** What the ledger calls it: files are found again where the whole folder was moved. */
export function placeOf({ file, name }: Picture, base: string): string {
  if (!file) return name;
  return path.relative(base, path.resolve(shownPath(file)));
}
