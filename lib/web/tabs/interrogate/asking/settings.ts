/** How prompts are made: kept by the browser. */
import { computed } from '@preact/signals';
import type { InterrogateBody } from '../../../../server/contract/interrogate';
import type { InterrogateFields } from '../../../api/interrogate';
import { stored } from '../../../stored';

export const MODES = ['best', 'fast', 'classic', 'negative', 'caption'] as const;
export type Mode = (typeof MODES)[number];
/** One mode, or all of them beside each other. */
export const VIEWS = [...MODES, 'all'] as const;
export type View = (typeof VIEWS)[number];

/** null, where the server's default holds. */
export interface Settings {
  minFlavors: number | null;
  maxFlavors: number | null;
  captionMaxLength: number | null;
  numBeams: number | null;
  ranking: NonNullable<InterrogateBody['ranking']>;
  compat: NonNullable<InterrogateBody['compat']>;
  /** Begin as soon as a picture is chosen. */
  startAtOnce: boolean;
  negativeBeside: boolean;
}

export const DEFAULTS: Settings = {
  minFlavors: null,
  maxFlavors: null,
  captionMaxLength: null,
  numBeams: null,
  ranking: 'quota',
  compat: 'reference',
  startAtOnce: true,
  negativeBeside: true,
};

export const settings = stored('settings', DEFAULTS);
export const view = stored<View>('view', 'best');
/** Names of models; null: the server's defaults. */
export const chosenModels = stored<{ clip: string | null; caption: string | null }>('models', { clip: null, caption: null });
/** Terms that every prompt has, and terms that no prompt has. */
export const pinned = stored<readonly string[]>('pinned', []);
export const banned = stored<readonly string[]>('banned', []);

export const hasChanges = computed(() => JSON.stringify(settings.value) !== JSON.stringify(DEFAULTS));

export function change(changes: Partial<Settings>): void {
  settings.value = { ...settings.value, ...changes };
}

/** Pins a term that was not, frees one that was; what is pinned is not banned. */
export function togglePin(term: string): void {
  banned.value = banned.value.filter((each) => each !== term);
  pinned.value = toggled(pinned.value, term);
}

export function toggleBan(term: string): void {
  pinned.value = pinned.value.filter((each) => each !== term);
  banned.value = toggled(banned.value, term);
}

function toggled(terms: readonly string[], term: string): readonly string[] {
  return terms.includes(term) ? terms.filter((each) => each !== term) : [...terms, term];
}

/** What a request for a prompt of this mode says. `caption`: instead of a caption model's. */
export function fieldsOf(mode: Mode, caption: string | null): InterrogateFields {
  const { minFlavors, maxFlavors, captionMaxLength, numBeams, ranking, compat } = settings.value;
  const { clip, caption: captionModel } = chosenModels.value;
  const fields: InterrogateFields = {
    modes: [mode],
    explain: true,
    similarities: true,
    ...(clip !== null && { clipModelName: clip }),
    ...(captionModel !== null && { captionModelName: captionModel }),
  };
  if (mode !== 'negative') Object.assign(fields, given({ caption, captionMaxLength, numBeams }));
  if (mode === 'caption') return fields;
  return {
    ...fields,
    ...given({ maxFlavors, minFlavors: mode === 'best' ? minFlavors : null }),
    ...(ranking !== 'quota' && { ranking }),
    ...(compat !== 'reference' && { compat }),
    // What a prompt shall have and shall not have says nothing of the negative one.
    ...(mode !== 'negative' && pinned.value.length > 0 && { include: [...pinned.value] }),
    ...(banned.value.length > 0 && { exclude: [...banned.value] }),
  };
}

function given(fields: InterrogateFields | Record<string, unknown>): InterrogateFields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}
