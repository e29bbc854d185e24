/** Fills the sheet. Pictures are sent once; after that a request names them by their ids, and asks for the new terms alone. */
import { effect, signal } from '@preact/signals';
import { patiently } from '../../api/patiently';
import { rank, similarities, similaritiesOf } from '../../api/rank';
import { type RequestError, shownError } from '../../api/request';
import { type Picture, pictures } from '../../pictures/pictures';
import { draw, keep, missing, modelName, shownTerms, template, textOf } from './sheet';

/** So many ids in one request; the server takes no more. */
const MOST_IDS = 1000;
/** Pictures that are sent at the same time: the server merges them into one batch. */
const AT_ONCE = 4;

/** Pictures that are still to be sent. */
export const unsent = signal(0);
/** Cells of pictures that the server knows are asked for. */
export const isAsking = signal(false);
export const errors = signal<ReadonlyMap<Picture, RequestError>>(new Map());

let asking = new AbortController();
let isSending = false;

/** Asks for the cells that are missing. An earlier request of the kind is left: its terms may be half typed. */
export async function fill(): Promise<void> {
  asking.abort();
  asking = new AbortController();
  const { signal: abort } = asking;
  sendUnknown();
  const wanted = shownTerms.peek().map(textOf);
  const known = pictures.peek().filter((picture) => picture.id.peek() !== null && !errors.peek().has(picture));
  isAsking.value = true;
  await askKnown(known, wanted, abort);
  if (!abort.aborted) isAsking.value = false;
}

export function tryAgain(): void {
  errors.value = new Map();
  fill();
}

/** The pictures that miss the same texts share a request. */
async function askKnown(known: readonly Picture[], wanted: readonly string[], abort: AbortSignal): Promise<void> {
  const groups = Map.groupBy(known, (picture) => JSON.stringify(missing(picture, wanted)));
  for (const [list, group] of groups) {
    const texts = JSON.parse(list) as string[];
    for (let i = 0; texts.length > 0 && i < group.length; i += MOST_IDS) {
      if (abort.aborted) return;
      await askSome(group.slice(i, i + MOST_IDS), texts, abort);
    }
  }
}

async function askSome(some: readonly Picture[], texts: readonly string[], abort: AbortSignal): Promise<void> {
  const model = modelName.peek();
  const ids = some.map(({ id }) => id.peek()!);
  try {
    const rows = await patiently(() => similarities(ids, { text: texts, clipModelName: model ?? undefined }, abort));
    for (const [row, picture] of some.entries()) keep(picture, { model, texts, similarities: rows[row]! });
    draw();
  } catch (error) {
    const shown = shownError(error);
    if (!shown) return;
    if (shown.code !== 'ERR_PICTURE_FORGOTTEN') {
      fail(some, shown);
      return;
    }
    // The answer does not say which of them: all are sent again, which costs the server nothing for those that it knows.
    for (const { id } of some) id.value = null;
    sendUnknown();
  }
}

/** Sends the pictures that the server does not know, whatever is typed meanwhile. */
async function sendUnknown(): Promise<void> {
  if (isSending || shownTerms.peek().length === 0) return;
  const sending = new Set<Picture>();
  const next = (): Picture | undefined => {
    const waiting = pictures.peek().filter((picture) => picture.id.peek() === null && !errors.peek().has(picture) && !sending.has(picture));
    unsent.value = waiting.length + sending.size;
    return waiting[0];
  };
  if (!next()) return;
  isSending = true;
  const work = async () => {
    for (let picture = next(); picture; picture = next()) {
      sending.add(picture);
      await sendOne(picture);
      sending.delete(picture);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  unsent.value = 0;
  isSending = false;
  // What was typed meanwhile is missing for those that were sent first.
  fill();
}

async function sendOne(picture: Picture): Promise<void> {
  const model = modelName.peek();
  const texts = missing(picture, shownTerms.peek().map(textOf));
  try {
    // Without a term to ask for, any text makes the server look at the picture.
    const text = texts.length > 0 ? texts : [picture.name];
    const row = await patiently(() => similaritiesOf(picture, { text, clipModelName: model ?? undefined }));
    keep(picture, { model, texts: text, similarities: row });
    draw();
  } catch (error) {
    const shown = shownError(error);
    if (shown) fail([picture], shown);
  }
}

function fail(some: readonly Picture[], error: RequestError): void {
  errors.value = new Map([...errors.peek(), ...some.map((picture) => [picture, error] as const)]);
  draw();
}

/** The best terms of a table for the pictures, those that fit several pictures first. */
export async function suggest(table: string, list: readonly Picture[], count: number): Promise<string[]> {
  const best = new Map<string, number>();
  for (const picture of list) {
    const { results } = await rank(picture, { table, topCount: count, clipModelName: modelName.peek() ?? undefined });
    for (const { label, similarity } of results[0]?.ranked ?? []) best.set(label, (best.get(label) ?? 0) + similarity);
  }
  return [...best].sort(([, a], [, b]) => b - a).map(([label]) => label);
}

/** Fills what is missing when pictures or terms change: at once, and again `pauseMs` later at the soonest. Gives what ends it. */
export function followSheet(pauseMs: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let filledAt = Number.NEGATIVE_INFINITY;
  const now = (): void => {
    filledAt = performance.now();
    fill();
  };
  const end = effect(() => {
    // What is read here is what the cells depend on.
    const isWanted = shownTerms.value.length > 0 && pictures.value.length > 0;
    template.value;
    modelName.value;
    clearTimeout(timer);
    if (isWanted) timer = setTimeout(now, Math.max(0, filledAt + pauseMs - performance.now()));
  });
  return () => {
    clearTimeout(timer);
    end();
  };
}
