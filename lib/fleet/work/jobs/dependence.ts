/** What the results of a run depend on, besides its pictures: all of its workers must have the same. */
import { InterrogatorError } from '../../../index';
import { keysOf, type Plan } from '../../../run/work/keys';
import type { RunRecords } from '../../runs/records';

export interface Dependence {
  /** Digests, one of each thing that is made. */
  keys: readonly string[];
  /** What they are of: SHA-256 of the weights and of the terms, settings. */
  settings: Readonly<Record<string, string>>;
}

export function dependsOn(plan: Plan): Dependence {
  const settings: Record<string, string> = {};
  for (const { settings: each } of keysOf(plan)) {
    for (const [name, value] of Object.entries(each)) if (!NOT_SAID.has(name)) settings[name] ??= JSON.stringify(value) ?? '';
  }
  return { keys: keysOf(plan).map(({ key }) => key), settings };
}

/** Digests of what is said by itself, and what results do not depend on. */
const NOT_SAID = new Set(['features', 'model', 'task', 'text']);

/** Rejects with ERR_RUN_MISMATCH where another worker of the run has something else. */
export async function agree(records: RunRecords, run: string, own: Dependence): Promise<void> {
  const first = JSON.parse(await records.depend(run, JSON.stringify(own))) as Dependence;
  if (first.keys.length === own.keys.length && first.keys.every((key, i) => key === own.keys[i])) return;
  const names = [...new Set([...Object.keys(first.settings), ...Object.keys(own.settings)])];
  const differing = names.filter((name) => first.settings[name] !== own.settings[name]).map((name) => WORDS[name] ?? name);
  throw new InterrogatorError(
    'ERR_RUN_MISMATCH',
    `This worker differs from the run's first one in its ${differing.join(', ') || 'settings'}.`,
    {
      hint: 'Give all workers of a run the same models and term lists.',
    },
  );
}

const WORDS: Readonly<Record<string, string>> = { clip: 'CLIP weights', caption: 'caption weights', terms: 'terms' };
