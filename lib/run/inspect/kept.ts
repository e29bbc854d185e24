/** What earlier runs have kept of a folder: where its state is, and which image features are in it. */
import path from 'node:path';
import { InterrogatorError } from '../../api';
import { isThere } from '../../files/is-there';
import { LEDGER_FILE } from '../ledger/ledger';
import { STATE_FOLDER } from '../ledger/state';

export interface KeptState {
  /** The state folder. */
  state: string;
  /** What names of pictures in it are relative to. */
  base: string;
  /** Only pictures below this folder count; undefined where all do. */
  within: string | undefined;
}

/** What a key of image features stands for. */
export interface FeatureSettings {
  /** Fingerprint of the CLIP model. */
  clip: string;
  /** As the config of the run named it; absent in states of old. */
  model?: string;
}

/** Throws ERR_INVALID_ARGUMENT where no run has left a state. */
export async function locateState(folder: string, state: string | undefined): Promise<KeptState> {
  const places = state === undefined ? [path.resolve(folder, STATE_FOLDER), path.resolve(folder)] : [path.resolve(state)];
  for (const place of places) {
    if (!(await isThere(path.join(place, LEDGER_FILE)))) continue;
    const base = path.dirname(place);
    const isOwn = state === undefined || base === path.resolve(folder);
    return { state: place, base, within: isOwn ? undefined : path.resolve(folder) };
  }
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `No run has left image features in ${places[0]}.`, { hint: firstRun(folder) });
}

/** The keys of image features, with what they stand for. Throws ERR_INVALID_ARGUMENT where there are none. */
export function featureKeys(settings: ReadonlyMap<string, unknown>, folder: string, state: string): Map<string, FeatureSettings> {
  const keys = new Map<string, FeatureSettings>();
  for (const [key, value] of settings) {
    const { task, clip, model } = Object(value) as { task?: unknown; clip?: unknown; model?: unknown };
    if (task !== 'image features' || typeof clip !== 'string') continue;
    keys.set(key, { clip, ...(typeof model === 'string' && { model }) });
  }
  if (keys.size > 0) return keys;
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `There are no image features in ${state}.`, { hint: firstRun(folder) });
}

/** Those of this model. Throws ERR_INVALID_ARGUMENT where another one made them all. */
export function keysOfModel(keys: ReadonlyMap<string, FeatureSettings>, clip: string, name: string): string[] {
  const own = [...keys].filter(([, settings]) => settings.clip === clip).map(([key]) => key);
  if (own.length > 0) return own.sort();
  const others = [...new Set([...keys.values()].flatMap(({ model }) => model ?? []))].sort();
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `The image features were not made with the CLIP model ${name}.`, {
    hint:
      others.length > 0
        ? `Name the model that made them: clipModelName ${others.join(', or ')}`
        : 'Name the model that made them with clipModelName.',
  });
}

function firstRun(folder: string): string {
  return `Make them first: npx torch-interrogator features ${folder}\nor: npx torch-interrogator interrogate ${folder}`;
}
