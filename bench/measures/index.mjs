/** Every measure by name, in the order in which they run. */

import { chainStep } from './chain.mjs';
import { best, negative } from './chained-modes.mjs';
import { imageFeatures } from './features.mjs';
import { growth } from './growth.mjs';
import { caption, classic, fast, throughputFast } from './modes.mjs';
import { load } from './processes.mjs';
import { rankFlavors } from './ranking.mjs';
import { textLabels, tokenizing } from './texts.mjs';
import { transformersJs } from './transformers-js.mjs';

/**
 * A measure has a `name`, perhaps a `group` that --only takes too, perhaps `needsCaptioner`; and `plan(bench)`, which
 * compares the two sides' answers and gives {unit, note, peerNote, ours, peer, limit}: `ours(run)` and `peer(run)`
 * resolve with seconds, `limit(rates)` gives the least seconds that the machine needs. `peer` and `limit` may be null.
 * A plan may have `fields` for its row, other work of ours `beside(run)` to be measured in turn with it, of whose samples
 * `compare({ours, beside})` makes fields, and an `end`, called when it was measured. No plan at all: the reason as {skipped}.
 */
export const MEASURES = [
  imageFeatures,
  textLabels,
  tokenizing,
  rankFlavors,
  chainStep,
  caption,
  fast,
  classic,
  negative,
  best,
  throughputFast,
  load,
  ...transformersJs,
  ...growth,
];

/** Measures of other things than time, in rows of their own. */
export const EXTRA = ['event-loop', 'memory', 'memory-100-callers'];

/** Takes a gigabyte of disk and many minutes: only where it is asked for. */
const BY_REQUEST = ['growth'];

/** Names and groups that --only takes. */
export function selectable() {
  return [...new Set(MEASURES.flatMap(({ name, group }) => (group ? [group, name] : [name]))), ...EXTRA];
}

export function selected(only) {
  const isAsked = ({ name, group }) => only.includes(name) || only.includes(group);
  return only ? MEASURES.filter(isAsked) : MEASURES.filter(({ group }) => !BY_REQUEST.includes(group));
}
