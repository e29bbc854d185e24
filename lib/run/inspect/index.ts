/** The doctor of a set of pictures: what is twice in it, what does not belong, what is missing. */
import { Config, Interrogator } from '../../api';
import { throwIfAborted } from '../../errors';
import { checkedInspectOptions } from '../checks/inspect-options';
import { sortNatural } from '../inputs/folders/natural-order';
import { Ledger } from '../ledger/ledger';
import { Turns } from '../turns';
import { planOf } from '../work/keys';
import { scoreCaptions } from './captions';
import { First, rounded, roundedOrNull, Spread } from './first';
import type { DuplicateGroup, Inspection, InspectOptions, NearDuplicateGroup, Outlier } from './inspection';
import { type FeatureSettings, featureKeys, type KeptState, keysOfModel, locateState } from './kept';
import { type Content, contentsOf, type Member, readMembers } from './members';
import { type Neighbours, searchPairs } from './pairs';
import { TermCounts } from './terms';
import { meanSimilarity, sumOf, unitRows } from './unit-rows';

export type {
  CaptionFit,
  DuplicateGroup,
  Inspection,
  InspectOptions,
  NearDuplicateGroup,
  Outlier,
  TermShare,
} from './inspection';
export { writeInspection } from './show/page';
export { type InspectionTable, inspectionTables } from './show/tables';

const THRESHOLD = 0.975;
const MOST = 100;

/**
 * Looks for duplicates, near duplicates, pictures unlike all others, captions that do not fit, terms that nearly all share, and tells how
 * varied the set is: of the pictures of a folder whose image features a run has kept. Nothing is written, and no picture is read; 20,000
 * pictures take seconds besides their captions, each of which the text model reads.
 *
 * Throws ERR_INVALID_ARGUMENT for options that are wrong, where no run has kept features, and where another CLIP model made them; what
 * Interrogator.create() throws; ERR_IO; an AbortError. Stages of `onProgress`: those of loading, `pictures`, `features`, `pairs`, `captions`.
 */
export async function inspectFolder(folder: string, given: InspectOptions = {}): Promise<Inspection> {
  const options = checkedInspectOptions(folder, given);
  const { signal, onProgress, interrogator } = options;
  throwIfAborted(signal);
  const call = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
  const kept = await locateState(folder, options.state);
  const ledger = await Ledger.open(kept.state, { readOnly: true, ...(signal && { signal }) });
  let own: Interrogator | undefined;
  try {
    // Before the models are loaded, which takes longer.
    const [...made] = featureKeys(ledger.settings, folder, kept.state).values();
    own = interrogator ? undefined : await Interrogator.create(configOf(options.config, made), call);
    return await inspect(folder, ledger, kept, { ...options, interrogator: interrogator ?? (own as Interrogator) });
  } finally {
    await own?.dispose();
    await ledger.close();
  }
}

async function inspect(
  folder: string,
  ledger: Ledger,
  kept: KeptState,
  options: InspectOptions & { interrogator: Interrogator },
): Promise<Inspection> {
  const { signal, onProgress, interrogator, duplicateThreshold: threshold = THRESHOLD, most = MOST } = options;
  const call = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
  const prints = await interrogator.fingerprints(call);
  const { config } = interrogator;
  const possible = keysOfModel(featureKeys(ledger.settings, folder, kept.state), prints.clip, config.clipModelName);
  const preferred = planOf({ kind: 'features' }, interrogator, prints).features.key;
  const keys = [...new Set([...possible.filter((key) => key === preferred), ...possible])];

  const counts = new TermCounts();
  const read = await readMembers(ledger, { ...call, keys, kept, counts });
  const all = await contentsOf(read);
  const file = await ledger.allFeatures(read.key);
  const places = all.map(({ place }) => place);
  const onBlock = (done: number): void => onProgress?.({ stage: 'features', done, total: all.length });
  const { sound, sum } = file ? await sumOf(unitRows(file, places), { signal, onBlock }) : { sound: [], sum: new Float64Array() };
  const contents = sound.map((row) => all[row] as Content);
  const members = await membersOf(contents);

  const rows =
    file &&
    unitRows(
      file,
      contents.map(({ place }) => place),
    );
  const neighbours = rows && (await searchPairs(rows, { ...call, interrogator, threshold }));
  const captioning = { ...call, interrogator, extension: options.sidecar ?? '.txt', most, counts };
  const captions = await scoreCaptions(members, rows ?? NO_ROWS, captioning);
  const { terms, effectiveTerms } = await counts.summary(most);
  return {
    folder,
    state: kept.state,
    base: kept.base,
    clipModel: config.clipModelName,
    pictures: {
      known: read.known,
      gone: read.gone,
      changed: members.filter(({ isChanged }) => isChanged).length,
      withoutFeatures: read.present - members.length,
      inspected: members.length,
      contents: contents.length,
    },
    duplicates: duplicatesOf(contents),
    nearDuplicates: { threshold, groups: neighbours ? await nearDuplicatesOf(contents, neighbours) : [] },
    outliers: await outliersOf(contents, neighbours, most),
    captions,
    terms,
    coverage: { effectiveTerms, meanSimilarity: roundedOrNull(meanSimilarity(sum, contents.length)) },
  };
}

/** Without a name of a CLIP model it is the one that made the features: to load, and perhaps to fetch, another one would be in vain. */
function configOf(config: InspectOptions['config'], made: readonly FeatureSettings[]): Config {
  const [model] = made.flatMap(({ model: name }) => name ?? []).sort();
  const clipModelName = config?.clipModelName ?? model;
  return new Config({ ...config, ...(clipModelName !== undefined && { clipModelName }), captionModelName: null });
}

const NO_ROWS = { count: 0, dim: 0, read: async () => new Float32Array() };

/** In natural order of names, with the rows of their contents. */
async function membersOf(contents: readonly Content[]): Promise<(Member & { row: number })[]> {
  return await sortNatural(contents.flatMap(({ members }, row) => members.map((member) => ({ ...member, row }))));
}

function duplicatesOf(contents: readonly Content[]): DuplicateGroup[] {
  const groups = contents.filter(({ members }) => members.length > 1);
  return groups
    .map(({ sha256, members }) => ({ sha256, pictures: members.map(({ name }) => name) }))
    .sort((a, b) => b.pictures.length - a.pictures.length);
}

async function nearDuplicatesOf(contents: readonly Content[], { groups, similarities }: Neighbours): Promise<NearDuplicateGroup[]> {
  const found: NearDuplicateGroup[] = [];
  for (const rows of groups.all) {
    const members = await sortNatural(rows.flatMap((row) => (contents[row] as Content).members));
    // The nearest of each is in its group: it is at least as near as the one that brought it there.
    const similarity = rows.reduce((least, row) => Math.min(least, similarities[row] as number), 1);
    found.push({ similarity: rounded(similarity), contents: rows.length, pictures: members.map(({ name }) => name) });
  }
  return found.sort((a, b) => b.pictures.length - a.pictures.length);
}

async function outliersOf(contents: readonly Content[], neighbours: Neighbours | undefined, most: number): Promise<Inspection['outliers']> {
  if (!neighbours || contents.length < 2) return { mean: null, deviation: null, pictures: [] };
  const spread = new Spread();
  const first = new First<number>(most, (a, b) => (neighbours.similarities[a] as number) - (neighbours.similarities[b] as number));
  const turns = new Turns();
  for (let row = 0; row < contents.length; row += 1) {
    spread.add(neighbours.similarities[row] as number);
    first.add(row);
    if (row % 256 === 0) await turns.pass();
  }
  const pictures: Outlier[] = first.entries.map((row) => {
    const similarity = neighbours.similarities[row] as number;
    return {
      image: nameOf(contents[row]),
      similarity: rounded(similarity),
      nearest: nameOf(contents[neighbours.nearest[row] as number]),
      deviations: rounded(spread.below(similarity)),
    };
  });
  return { mean: roundedOrNull(spread.mean), deviation: roundedOrNull(spread.deviation), pictures };
}

function nameOf(content: Content | undefined): string {
  return content?.members[0]?.name ?? '';
}
