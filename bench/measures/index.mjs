/** Every measure by name, in the order in which they run. */
import { chainStep } from './chain.mjs';
import { best, negative } from './chained-modes.mjs';
import { eventLoop } from './event-loop.mjs';
import { imageFeatures } from './features.mjs';
import { folder, folderCaptioned } from './folder.mjs';
import { growth } from './growth.mjs';
import { caption, classic, fast, throughputFast } from './modes.mjs';
import { crowd, load, memory } from './processes.mjs';
import { rankFlavors } from './ranking.mjs';
import { textLabels, tokenizing } from './texts.mjs';

/**
 * A measure has a `name`, perhaps a `group` that --only takes too, perhaps `needsCaptioner`; and `plan(bench)`, which
 * compares the two sides' answers and gives {unit, note, peerNote, ours, peer, limit}: `ours(run)` and `peer(run)`
 * resolve with seconds, `limit(rates)` gives the least seconds that the machine needs. `peer` and `limit` may be missing.
 * A plan may have `fields` for its row, other work of ours `beside(run)` to be measured in turn with it, of whose samples
 * `compare({ours, beside})` makes fields, and an `end`, called when it was measured.
 * In place of a plan, what measures other things than time has `rows(bench)`.
 */
const MEASURES = [
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
  folder,
  folderCaptioned,
  load,
  ...growth,
  eventLoop,
  memory,
  crowd,
];

/** Takes a gigabyte of disk and many minutes: only where it is asked for. */
const BY_REQUEST = 'growth';

/** Names and groups that --only takes. */
export function selectable() {
  return [...new Set(MEASURES.flatMap(({ name, group }) => (group ? [group, name] : [name])))];
}

export function selected(only) {
  return MEASURES.filter(({ name, group }) => (only ? only.includes(name) || only.includes(group) : group !== BY_REQUEST));
}
