/** What results are filed under: digests of all that they depend on, besides the picture. */
import { createHash } from 'node:crypto';
import type { Config, Fingerprints, Mode } from '../../api';
import type { RunTask } from '../options';

const DIGITS = 16;

/** A digest with what it stands for. */
export interface Key {
  key: string;
  settings: Readonly<Record<string, unknown>>;
}

/** All that a run makes of each picture. */
export interface Plan {
  features: Key;
  /** Of captions that the caption model makes; absent where none are needed. */
  caption?: Key;
  modes: readonly (Key & { mode: Mode })[];
  terms?: Key & { count: number };
  rank?: Key;
}

export function planOf(task: RunTask, config: Config, prints: Fingerprints, embedDim: number): Plan {
  const { orientation, background, truncated, maxPixels } = config;
  const decoding = { orientation, background, truncated, maxPixels };
  const encoded = keyOf({ task: 'image features', clip: prints.clip, embedDim, ...decoding });
  // For people who look for the model that made them: the same one may have other names, so that the key does not depend on it.
  const features = { ...encoded, settings: { ...encoded.settings, model: config.clipModelName } };
  const ranking = { ranking: config.ranking, ...(config.ranking === 'quota' && { chunkSize: config.chunkSize }), compat: config.compat };
  if (task.kind === 'features') return { features, modes: [] };
  if (task.kind === 'rank') {
    const labels = createHash('sha256').update(JSON.stringify(task.labels)).digest('hex');
    const { topCount, scores, template = null } = task;
    return { features, modes: [], rank: keyOf({ task: 'rank', features: features.key, labels, topCount, scores, template, ...ranking }) };
  }
  const { captionMaxLength, captionPrompt, numBeams, minLength, repetitionPenalty, noRepeatNgramSize } = config;
  const generation = { captionMaxLength, captionPrompt, numBeams, minLength, repetitionPenalty, noRepeatNgramSize };
  const caption = prints.caption === null ? undefined : keyOf({ task: 'caption', caption: prints.caption, ...decoding, ...generation });
  const begins = task.caption ? { captionText: task.caption } : { caption: caption?.key };
  const terms = { features: features.key, terms: prints.terms, ...ranking };
  const modes = task.modes.map((mode) => {
    const chain = mode === 'best' || mode === 'negative' ? { flavorIntermediateCount: config.flavorIntermediateCount } : {};
    const counts = { minFlavors: mode === 'best' ? task.minFlavors : undefined, maxFlavors: task.maxFlavors };
    // What a caption alone depends on is little.
    if (mode === 'caption') return { mode, ...keyOf({ task: mode, features: features.key, ...begins }) };
    return { mode, ...keyOf({ task: mode, ...terms, ...chain, ...counts, ...(mode !== 'negative' && begins) }) };
  });
  const count = task.termCount ?? 0;
  return {
    features,
    modes,
    ...(caption && !task.caption && { caption }),
    ...(count > 0 && { terms: { ...keyOf({ task: 'terms', ...terms, count }), count } }),
  };
}

/** In the order in which one depends on the others. */
export function keysOf({ features, caption, modes, terms, rank }: Plan): Key[] {
  return [features, caption, ...modes, terms, rank].filter((each) => each !== undefined);
}

/** Changes where the same settings come to other results. */
const REVISION = 1;

function keyOf(settings: Readonly<Record<string, unknown>>): Key {
  const key = createHash('sha256')
    .update(JSON.stringify({ revision: REVISION, ...settings }))
    .digest('hex')
    .slice(0, DIGITS);
  return { key, settings };
}
