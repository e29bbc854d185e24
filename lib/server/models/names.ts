/** Which models a client may name: TorchScript is code, so that no path of a client's is opened. */
import path from 'node:path';
import { type BundleKind, type ModelStatus, modelStatuses } from '../../index';
import { Refusal } from '../answers/refusal';
import { ourName } from './other-names';

export interface KnownModel {
  kind: BundleKind;
  /** What clients call it. */
  name: string;
  /** What the library is given: the name, or a folder that the server was started with. */
  source: string;
  /** Bytes in memory; null where that is known only once it is open. */
  memory: number | null;
  /** Bytes to fetch; null where that is not known, 0 where it is here. */
  download: number | null;
  isInstalled: boolean;
  /** Of CLIP models, where it is known. */
  embedDim: number | null;
  /** Where its weights are published: `Salesforce/blip-image-captioning-large`. */
  repository?: string | undefined;
}

/** The pair that the package brings along. */
export const SAMPLE = 'sample';

const WANTED: Record<BundleKind, string> = { clip: 'ViT-L-14/openai', caption: 'blip-large' };

interface Given {
  kind: BundleKind;
  name: string;
  source: string;
}

export class ModelNames {
  private constructor(
    private known: ReadonlyMap<string, KnownModel>,
    /** What the server was started with: names, and folders by the names that clients use. */
    private readonly given: ReadonlyMap<string, Given>,
    readonly defaults: Readonly<Record<BundleKind, readonly string[]>>,
    private readonly where = 'On this machine',
  ) {}

  /** Those that the workers of a fleet have. */
  static ofOthers(models: readonly KnownModel[], defaults: Readonly<Record<BundleKind, readonly string[]>>): ModelNames {
    return new ModelNames(new Map(models.map((each) => [keyOf(each.kind, each.name), each])), new Map(), defaults, 'The workers have');
  }

  /** `given`: names or folders, by kind. Without any, the reference's default where it is installed, else the sample. */
  static async load(given: Partial<Record<BundleKind, readonly string[] | undefined>>): Promise<ModelNames> {
    const named = new Map<string, Given>();
    const statuses = await modelStatuses();
    const namesOf = (kind: BundleKind): string[] => {
      if (given[kind]?.length === 1 && given[kind][0] === 'none') return [];
      if (given[kind]) return given[kind].map((each) => take(kind, each, named));
      const wanted = statuses.find((status) => status.kind === kind && status.name === WANTED[kind]);
      return [wanted?.runnable ? WANTED[kind] : SAMPLE];
    };
    const defaults = { clip: namesOf('clip'), caption: namesOf('caption') };
    const names = new ModelNames(new Map(), named, defaults);
    names.take(statuses);
    return names;
  }

  /** Looks again at what is on this machine. */
  async refresh(): Promise<void> {
    this.take(await modelStatuses());
  }

  get all(): KnownModel[] {
    return [...this.known.values()];
  }

  has(kind: BundleKind, name: string): boolean {
    const spelt = name.trim();
    return this.known.has(keyOf(kind, spelt)) || this.loosely(kind, spelt) !== undefined;
  }

  /** Throws 404 with the nearest names. */
  find(kind: BundleKind, name: string): KnownModel {
    const spelt = name.trim();
    const found = this.known.get(keyOf(kind, spelt)) ?? this.loosely(kind, spelt);
    if (found) return found;
    const near = this.all.filter((each) => each.kind === kind && each.isInstalled).map((each) => each.name);
    throw new Refusal(404, 'ERR_MODEL_UNKNOWN', `There is no ${kind === 'clip' ? 'CLIP' : 'caption'} model named ${spelt.slice(0, 100)}.`, {
      hint: `${this.where}: ${near.slice(0, 10).join(', ') || 'none'}. /v1/models lists all.`,
    });
  }

  /** As other systems write names, and by where the weights are published. */
  private loosely(kind: BundleKind, name: string): KnownModel | undefined {
    return this.known.get(keyOf(kind, ourName(kind, name))) ?? this.all.find((each) => each.kind === kind && each.repository === name);
  }

  private take(statuses: readonly ModelStatus[]): void {
    const known = new Map<string, KnownModel>();
    for (const status of statuses) {
      const { kind, name, memory = null, bytes = null, graph, embedDim = null, repository } = status;
      // Of an architecture without weights: random numbers, which are nobody's model.
      if (graph === null || (status.installed === null && repository === undefined)) continue;
      const isInstalled = status.installed !== null;
      const download = isInstalled ? 0 : bytes;
      known.set(keyOf(kind, name), { kind, name, source: name, memory, download, isInstalled, embedDim, repository });
    }
    for (const [key, { kind, name, source }] of this.given) {
      // A name without a tag is an architecture with random numbers: only who starts the server can want that.
      if (!known.has(key) || source !== name) known.set(key, { ...UNKNOWN, kind, name, source });
    }
    this.known = known;
  }
}

const UNKNOWN = { memory: null, download: 0, isInstalled: true, embedDim: null };

function keyOf(kind: BundleKind, name: string): string {
  return `${kind} ${name}`;
}

/** Clients call a folder by its last part. */
function take(kind: BundleKind, given: string, named: Map<string, Given>): string {
  if (!/^(\.{1,2}[/\\]|~[/\\]|[/\\]|[A-Za-z]:[/\\])/.test(given)) {
    const name = given.trim();
    named.set(keyOf(kind, name), { kind, name, source: name });
    return name;
  }
  const folder = path.resolve(given);
  const last = path.basename(folder) === kind ? path.basename(path.dirname(folder)) : path.basename(folder);
  named.set(keyOf(kind, last), { kind, name: last, source: given });
  return last;
}
