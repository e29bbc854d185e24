/** Each mode beside the reference's: prompts are equal, or part where what decides ties. */
import { type Interrogator, LabelTable } from '../../lib';
import { expectSameChain, expectSameRanking } from './compare';
import type { Reference, ReferenceMode } from './reference';

/** Both sides, loaded with the same weights and settings. `corrected`: neither has the bugs that `compat: 'corrected'` mends. */
export interface Sides {
  reference: Reference;
  ours: Interrogator;
  corrected?: boolean;
}

export interface Described {
  image: string;
  /** What prompts begin from. */
  caption: string;
  /** Whether both sides are to make the caption themselves, which must be that one. */
  captioned?: boolean;
}

const merged = (ours: Interrogator): LabelTable =>
  LabelTable.merge([ours.artists, ours.flavors, ours.mediums, ours.movements, ours.trendings], ours);

/** Fails unless fast and classic mode write the reference's prompts, which it returns. */
export async function expectSameFastAndClassic(sides: Sides, { image, caption, captioned }: Described): Promise<string[]> {
  const { reference, ours, corrected = false } = sides;
  const features = await ours.imageToFeatures(image);
  const theirTops = await reference.call<string[]>('rank_table', { path: image, table: 'merged', top: 32, reverse: false });
  const same = [await expectSameRanking(reference, image, await merged(ours).rank(features, { topCount: 32 }), theirTops)];
  for (const [name, top] of [
    ['mediums', 1],
    ['artists', 1],
    ['trendings', 1],
    ['movements', 1],
    ['flavors', 3],
  ] as const) {
    const theirs = await reference.call<string[]>('rank_table', { path: image, table: name, top, reverse: false });
    same.push(await expectSameRanking(reference, image, await ours[name].rank(features, { topCount: top }), theirs));
  }
  const given = captioned ? {} : { caption };
  const prompts: string[] = [];
  for (const mode of ['fast', 'classic'] as const) {
    const theirs = await reference.call<ReferenceMode>('mode', { name: mode, path: image, arguments: given, corrected });
    const mine = await (mode === 'fast' ? ours.interrogateFast(image, given) : ours.interrogateClassic(image, given));
    // Where every ranking agrees, nothing excuses another prompt; where one tied, its labels may stand swapped.
    if (same.every(Boolean)) expect(mine).toBe(theirs.prompt);
    else await expectSameRanking(reference, image, mine.split(', '), theirs.prompt.split(', '));
    prompts.push(theirs.prompt);
  }
  return prompts;
}

/** Fails unless negative mode chains the reference's prompt. */
export async function expectSameNegative({ reference, ours }: Sides, image: string): Promise<void> {
  const features = await ours.imageToFeatures(image);
  const call = { name: 'negative', path: image, arguments: { max_flavors: 6 } };
  const theirs = await reference.call<ReferenceMode>('mode', call);
  const mine = await ours.interrogateNegative(image, { maxFlavors: 6 });
  const flavors = await ours.flavors.rank(features, { topCount: ours.config.flavorIntermediateCount, reverse: true });
  const phrases = [...flavors, ...ours.negative.labels];
  await expectSameChain(reference, image, mine, theirs, { start: '', phrases });
}

/** Fails unless best mode writes the reference's prompt; what the reference answered. */
export async function expectSameBest(
  { reference, ours, corrected = false }: Sides,
  { image, caption, captioned }: Described,
  { min, max }: { min: number; max: number },
): Promise<ReferenceMode> {
  const features = await ours.imageToFeatures(image);
  const given = captioned ? {} : { caption };
  const theirs = await reference.call<ReferenceMode>('mode', {
    name: 'best',
    path: image,
    arguments: { ...given, min_flavors: min, max_flavors: max },
    corrected,
  });
  const mine = await ours.interrogate(image, { ...given, minFlavors: min, maxFlavors: max });
  const phrases = await merged(ours).rank(features, { topCount: ours.config.flavorIntermediateCount });
  await expectSameChain(reference, image, mine, theirs, { start: caption, phrases });
  return theirs;
}
