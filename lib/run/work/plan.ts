/** What an interrogator makes of each picture of a run, and whether another one makes the same. */
import { type Interrogator, InterrogatorError } from '../../api';
import type { RunTask } from '../options';
import { keysOf, type Plan, planOf } from './keys';

/** Rejects with AbortError. */
export async function planFor(task: RunTask, interrogator: Interrogator, signal: AbortSignal): Promise<Plan> {
  return planOf(task, interrogator, await interrogator.fingerprints({ signal }));
}

/** What settings of a plan are called, where their own name says little. */
const WORDS: Readonly<Record<string, string>> = { clip: 'CLIP model', caption: 'caption model', terms: 'terms' };

/**
 * Throws ERR_INVALID_ARGUMENT where the interrogator at a place of the list comes to other results than the first: which picture had which
 * of them would be left to chance.
 */
export function refuseOther(first: Plan, other: Plan, place: number): void {
  if (keysOf(first).every(({ key }, i) => key === keysOf(other)[i]?.key)) return;
  const [expected, found] = [settingsOf(first), settingsOf(other)];
  const differing = [...new Set([...expected.keys(), ...found.keys()])].filter((name) => expected.get(name) !== found.get(name));
  const what = differing.map((name) => WORDS[name] ?? name).join(', ');
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `interrogators.${place}: it differs from the first one in its ${what}.`, {
    hint: 'Create all of them with the same config, but for the device.',
  });
}

/** By name: the first that has a name says what it is of, later ones are digests of it. */
function settingsOf(plan: Plan): Map<string, string> {
  const all = new Map<string, string>();
  for (const { settings } of keysOf(plan)) {
    for (const [name, value] of Object.entries(settings)) {
      if (!NOT_SAID.includes(name) && !all.has(name)) all.set(name, JSON.stringify(value) ?? '');
    }
  }
  return all;
}

/** The digest of what is listed by itself, and what results do not depend on. */
const NOT_SAID: readonly string[] = ['features', 'model', 'task'];
