/** The semantic spreadsheet: the similarity of every picture with every term, of which only what is new is asked for. */
import { batch, computed, effect, signal } from '@preact/signals';
import { rank, similarities, similaritiesOf } from '../../api/rank';
import { type RequestError, shownError } from '../../api/request';
import { type Picture, pictures } from '../../pictures/pictures';
import { stored } from '../../stored';

/** So many ids in one request; the server takes no more. */
const MOST_IDS = 1000;
/** Pictures that the server has not seen are sent so many at a time. */
const AT_ONCE = 4;

export const terms = stored<readonly string[]>('terms', []);
/** What is being typed: a term that is ranked though it is not in the list yet. */
export const draft = signal('');
/** Encoded in a term's place: 'a photo of {}'. */
export const template = stored('template', '{}');
export const shownTerms = computed(() => {
  const typed = draft.value.trim();
  return typed !== '' && !terms.value.includes(typed) ? [typed, ...terms.value] : terms.value;
});

type Cells = Map<string, number>;
const cells = new WeakMap<Picture, Cells>();
/** Grows with every cell that comes: what draws them listens to it. */
export const version = signal(0);
export const waiting = signal(0);
export const errors = signal<ReadonlyMap<Picture, RequestError>>(new Map());

const textOf = (term: string): string => (template.value.includes('{}') ? template.value.replaceAll('{}', term) : term);

/** undefined until it came. */
export function similarityOf(picture: Picture, term: string): number | undefined {
  return cells.get(picture)?.get(textOf(term));
}

export function addTerms(lines: string): void {
  const added = lines
    .split(/[\n,;]/)
    .map((term) => term.trim())
    .filter((term) => term !== '');
  terms.value = [...new Set([...terms.value, ...added])];
}

export function removeTerm(term: string): void {
  terms.value = terms.value.filter((each) => each !== term);
}

/** The best terms of a table for the pictures, those that fit several pictures first. */
export async function suggest(table: string, list: readonly Picture[], count: number): Promise<string[]> {
  const best = new Map<string, number>();
  for (const picture of list) {
    const { results } = await rank(picture, { table, topCount: count });
    for (const { label, similarity } of results[0]?.ranked ?? []) best.set(label, (best.get(label) ?? 0) + similarity);
  }
  return [...best].sort(([, a], [, b]) => b - a).map(([label]) => label);
}

let under: AbortController | undefined;

/** Asks for the cells that are missing; what was under way for other terms is left. */
export async function fill(): Promise<void> {
  under?.abort();
  const controller = new AbortController();
  under = controller;
  const texts = shownTerms.peek().map(textOf);
  const open = pictures.peek().filter((picture) => !errors.peek().has(picture) && missing(picture, texts).length > 0);
  const [seen, unseen] = [open.filter(({ id }) => id.peek() !== null), open.filter(({ id }) => id.peek() === null)];
  waiting.value = open.length;
  await fillSeen(seen, texts, controller.signal);
  await fillUnseen(unseen, texts, controller.signal);
  if (under === controller) waiting.value = 0;
}

export function tryAgain(): void {
  errors.value = new Map();
  fill();
}

/** By their ids: a request of a thousand pictures and one new text. */
async function fillSeen(seen: readonly Picture[], texts: readonly string[], abort: AbortSignal): Promise<void> {
  const groups = Map.groupBy(seen, (picture) => JSON.stringify(missing(picture, texts)));
  for (const [wanted, group] of groups) {
    const columns = JSON.parse(wanted) as string[];
    for (let i = 0; i < group.length; i += MOST_IDS) {
      const some = group.slice(i, i + MOST_IDS);
      try {
        const rows = await similarities(
          some.map(({ id }) => id.peek()!),
          columns,
          abort,
        );
        for (const [row, picture] of some.entries()) keep(picture, columns, rows[row] ?? []);
        done(some.length);
      } catch (error) {
        const shown = shownError(error);
        if (!shown) return;
        // One that the server forgot hides which: each is asked for by itself, with its bytes where needed.
        if (shown.code === 'ERR_PICTURE_FORGOTTEN') await fillUnseen(some, texts, abort);
        else fail(some, shown);
      }
    }
  }
}

async function fillUnseen(unseen: readonly Picture[], texts: readonly string[], abort: AbortSignal): Promise<void> {
  const queue = [...unseen];
  const work = async () => {
    for (let picture = queue.shift(); picture && !abort.aborted; picture = queue.shift()) {
      const columns = missing(picture, texts);
      try {
        keep(picture, columns, await patiently(() => similaritiesOf(picture, columns, abort)));
        done(1);
      } catch (error) {
        const shown = shownError(error);
        if (shown) fail([picture], shown);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** Waits as long as a busy server says, a few times. */
async function patiently<T>(send: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await send();
    } catch (error) {
      const seconds = shownError(error)?.retryAfter;
      if (seconds === undefined || tries >= 5) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.min(30, seconds) * 1000));
    }
  }
}

function missing(picture: Picture, texts: readonly string[]): string[] {
  const there = cells.get(picture);
  return texts.filter((text) => !there?.has(text));
}

function keep(picture: Picture, texts: readonly string[], row: readonly number[]): void {
  const there = cells.get(picture) ?? new Map<string, number>();
  cells.set(picture, there);
  texts.forEach((text, i) => {
    if (row[i] !== undefined) there.set(text, row[i]);
  });
}

function done(count: number): void {
  batch(() => {
    waiting.value = Math.max(0, waiting.peek() - count);
    version.value += 1;
  });
}

function fail(some: readonly Picture[], error: RequestError): void {
  errors.value = new Map([...errors.peek(), ...some.map((picture) => [picture, error] as const)]);
  done(some.length);
}

/** Fills what is missing whenever pictures or terms change, after the pause of somebody who types. Gives what ends it. */
export function followSheet(pauseMs: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = effect(() => {
    // What is read here is what the cells depend on.
    if (shownTerms.value.length > 0 && pictures.value.length > 0 && template.value) {
      clearTimeout(timer);
      timer = setTimeout(fill, pauseMs);
    }
  });
  return () => {
    clearTimeout(timer);
    end();
  };
}
