import { inTurns } from '../engine/turns';

/** Sorted or merged before others may get a turn: less than a millisecond. */
const PIECE = 256;

/**
 * The places of the texts in the order of their code units, where texts that begin alike are neighbours. Equal texts keep their order.
 * Others get turns meanwhile: 100,000 texts take a quarter of a second.
 */
export async function textOrder(texts: readonly string[], signal: AbortSignal | undefined): Promise<Int32Array> {
  let places = Int32Array.from(texts, (_, place) => place);
  let spare = new Int32Array(places.length);
  await inTurns(sortPieces(texts, places), signal, () => {});
  for (let width = PIECE; width < places.length; width *= 2) {
    await inTurns(mergePairs(texts, places, spare, width), signal, () => {});
    [places, spare] = [spare, places];
  }
  return places;
}

function* sortPieces(texts: readonly string[], places: Int32Array): Generator<void> {
  for (let start = 0; start < places.length; start += PIECE) {
    places.subarray(start, start + PIECE).sort((a, b) => {
      const [one, other] = [texts[a] as string, texts[b] as string];
      return one < other ? -1 : one > other ? 1 : a - b;
    });
    yield;
  }
}

/** Each two sorted runs of `width` places become one. */
function* mergePairs(texts: readonly string[], from: Int32Array, to: Int32Array, width: number): Generator<void> {
  for (let start = 0; start < from.length; start += 2 * width) {
    const middle = Math.min(start + width, from.length);
    const end = Math.min(middle + width, from.length);
    let [left, right] = [start, middle];
    for (let i = start; i < end; i++) {
      const takesLeft = right >= end || (left < middle && textAt(texts, from, left) <= textAt(texts, from, right));
      to[i] = from[takesLeft ? left++ : right++] as number;
      if (i % PIECE === 0) yield;
    }
  }
}

function textAt(texts: readonly string[], places: Int32Array, i: number): string {
  return texts[places[i] as number] as string;
}
