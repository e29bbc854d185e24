/** What results are filed under: digests of all that they depend on, besides the picture. */
import { createHash } from 'node:crypto';
import type { Fingerprints, Interrogator, Mode } from '../../api';
import type { RunTask } from '../options';

const DIGITS = 16;

/** A digest with what it stands for. */
export interface Key {
  key: string;
  settings: Readonly<Record<string, unknown>>;
}

/** All that a run makes of each picture. */
export interface Plan {
  /** Of what is known of a picture once it is decoded. */
  decoding: Key;
  features: Key;
  /** Of captions that the caption model makes; absent where none are needed. */
  caption?: Key;
  modes: readonly (Key & { mode: Mode })[];
  /** How similar each mode's text is to the picture, in the order of the modes; none where they are not asked for. */
  similarities: readonly Key[];
  terms?: Key & { count: number };
  rank?: Key;
}

export function planOf(task: RunTask, interrogator: Interrogator, prints: Fingerprints): Plan {
  const { config, embedDim } = interrogator;
  const device = interrogator.stats().device.name;
  const { orientation, background, truncated, maxPixels } = config;
  const decoding = { orientation, background, truncated, maxPixels };
  // On other devices it does not count.
  const precision = device === 'cpu' && config.imagePrecision !== 'float32' ? { imagePrecision: config.imagePrecision } : {};
  const encoded = keyOf({ task: 'image features', clip: prints.clip, embedDim, ...decoding, ...precision });
  // For people who look for the model that made them: the same one may have other names, so that the key does not depend on it.
  const features = { ...encoded, settings: { ...encoded.settings, model: config.clipModelName } };
  const ranking = { ranking: config.ranking, ...(config.ranking === 'quota' && { chunkSize: config.chunkSize }), compat: config.compat };
  const ofPicture = { decoding: keyOf({ task: 'decoding', ...decoding }), features };
  if (task.kind === 'features') return { ...ofPicture, modes: [], similarities: [] };
  if (task.kind === 'rank') {
    const labels = createHash('sha256').update(JSON.stringify(task.labels)).digest('hex');
    const { topCount, scores, template = null } = task;
    const rank = keyOf({ task: 'rank', features: features.key, labels, topCount, scores, template, ...ranking });
    return { ...ofPicture, modes: [], similarities: [], rank };
  }
  const { captionMaxLength, captionPrompt, numBeams, minLength, repetitionPenalty, noRepeatNgramSize } = config;
  const generation = { captionMaxLength, captionPrompt, numBeams, minLength, repetitionPenalty, noRepeatNgramSize };
  const needsCaption = !task.caption && task.modes.some((mode) => mode !== 'negative');
  const caption =
    !needsCaption || prints.caption === null
      ? undefined
      : keyOf({ task: 'caption', caption: prints.caption, ...decoding, ...generation, ...precision });
  const begins = task.caption ? { captionText: task.caption } : { caption: caption?.key };
  const terms = { features: features.key, terms: prints.terms, ...ranking };
  const modes = task.modes.map((mode) => {
    const chain = mode === 'best' || mode === 'negative' ? { flavorIntermediateCount: config.flavorIntermediateCount } : {};
    const counts = { minFlavors: mode === 'best' ? task.minFlavors : undefined, maxFlavors: task.maxFlavors };
    // What a caption alone depends on is little.
    if (mode === 'caption') return { mode, ...keyOf({ task: mode, ...begins }) };
    return { mode, ...keyOf({ task: mode, ...terms, ...chain, ...counts, ...(mode !== 'negative' && begins) }) };
  });
  const similarities = task.similarities ? modes.map(({ key }) => keyOf({ task: 'similarity', features: features.key, text: key })) : [];
  const count = task.termCount ?? 0;
  return {
    ...ofPicture,
    modes,
    similarities,
    ...(caption && { caption }),
    ...(count > 0 && { terms: { ...keyOf({ task: 'terms', ...terms, count }), count } }),
  };
}

/** In the order in which one depends on the others. */
export function keysOf({ decoding, features, caption, modes, similarities, terms, rank }: Plan): Key[] {
  return [decoding, features, caption, ...modes, ...similarities, terms, rank].filter((each) => each !== undefined);
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
