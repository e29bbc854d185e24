import { arrayOf, type CallOptions, invalid, isA, NO_OPTIONS, optionsSchema, show, textList } from '../arguments';
import { choice, type TypeBox } from '../arguments/schema';
import type { Call } from '../engine/calls';
import type { Engine } from '../engine/engine';
import { type Features, oneImage } from '../engine/features';
import { type EngineOwner, engineOf } from '../engine/owner';
import { SharedTask } from '../engine/shared-task';
import { InterrogatorError } from '../errors';
import type { NativeFeatures, NativeLabelMatrix } from '../native/types';
import type { LabelSet } from './label-store';
import { probabilityOf } from './probability';

export interface RankOptions extends CallOptions {
  /** Most labels to return, 0 and up; fewer where the table has fewer. Default 1. */
  topCount?: number;
  /** Least similar first. Default false. */
  reverse?: boolean;
}

export interface RankScoredOptions extends RankOptions {
  /**
   * 'probability' adds each label's probability, as the model was trained to give it: softmax over all labels of the table of `logit_scale`
   * × similarity; of models with a `logit_bias` (SigLIP), the sigmoid of `logit_scale` × similarity + `logit_bias`, each label by itself.
   * Default 'cosine'.
   */
  scores?: 'cosine' | 'probability';
}

export interface RankedLabel {
  label: string;
  /** Cosine similarity with the image, -1 … 1. */
  similarity: number;
  /** 0 … 1, where it was asked for. */
  probability?: number;
}

export interface LabelTableOptions extends CallOptions {
  /** What is encoded in a label's place, with the label for each {}: 'a photo of {}'. Default: the label itself. */
  template?: string;
}

const rankFields = ({ Type }: TypeBox) => ({ topCount: Type.Integer({ minimum: 0 }), reverse: Type.Boolean() });
const RANK = optionsSchema(rankFields);
const RANK_SCORED = optionsSchema((typebox) => ({ ...rankFields(typebox), scores: choice(typebox, ['cosine', 'probability']) }));
const TABLE = optionsSchema(({ Type }) => ({
  template: Type.String({ pattern: '\\{\\}', expected: 'a text with {}, such as "a photo of {}"' }),
}));

/** One set of labels and its embeddings, made once. */
interface Section {
  labels: readonly string[];
  matrix: SharedTask<NativeLabelMatrix>;
  /** Frees the embeddings. */
  close(): void;
}

/**
 * Labels and their text embeddings, to be ranked against an image. Merged tables share the embeddings of their parts.
 * More than `config.chunkSize` labels are ranked by quota unless `config.ranking` is 'global'.
 */
export class LabelTable {
  private allLabels: readonly string[] | undefined;

  private constructor(
    private readonly engine: Engine,
    private readonly sections: readonly Section[],
    /** False for a merged table, whose embeddings are its parts', and for the interrogator's own. */
    private readonly ownsSections: boolean,
  ) {}

  /**
   * A table with its embeddings ready. With a name they are kept in `config.cachePath`, in clip-interrogator's format,
   * and found there again as long as the labels are the same. Null keeps them in memory only.
   * Throws ERR_INVALID_ARGUMENT, also for a template without {}.
   */
  static async create(
    labels: readonly string[],
    name: string | null,
    interrogator: EngineOwner,
    options: LabelTableOptions = {},
  ): Promise<LabelTable> {
    const list = textList('labels', labels);
    if (name !== null && !(typeof name === 'string' && /^[\w-]{1,100}$/.test(name))) {
      throw invalid(`name: got ${show(name)}, expected at most 100 letters, digits, _ and -, or null.`);
    }
    const engine = engineOf(interrogator);
    return engine.calls.run('LabelTable.create', options, TABLE, async (call) => {
      const table = LabelTable.lazy({ labels: list, name, isBuiltIn: false }, engine, call.options.template);
      await table.prepareWithin(call);
      return table;
    });
  }

  /** @internal A table whose embeddings are made when they are first needed. */
  static lazy({ labels, ...set }: LabelSet, engine: Engine, template?: string): LabelTable {
    const own = Object.freeze([...labels]);
    const texts = template === undefined ? own : own.map((label) => template.replaceAll('{}', () => label));
    let made: NativeLabelMatrix | undefined;
    let closed = false;
    const matrix = new SharedTask(({ signal, report }) =>
      engine.calls.share(signal, report, async (call) => {
        // Loaded here: the package itself is light.
        const { obtainLabelMatrix } = require('./label-store') as typeof import('./label-store');
        if (!closed) made = await obtainLabelMatrix(engine, { labels: texts, ...set }, call);
        if (made && !closed) return made;
        made?.close();
        throw new InterrogatorError('ERR_DISPOSED', 'The label table was closed.');
      }),
    );
    const close = (): void => {
      closed = true;
      made?.close();
    };
    return new LabelTable(engine, own.length === 0 ? [] : [{ labels: own, matrix, close }], !set.isBuiltIn);
  }

  /** The labels of all tables in this order, ranked as one. No embedding is copied. */
  static merge(tables: readonly LabelTable[], interrogator: EngineOwner): LabelTable {
    return LabelTable.mergeFor(tables, engineOf(interrogator));
  }

  /** @internal */
  static mergeFor(tables: readonly LabelTable[], engine: Engine): LabelTable {
    const list = arrayOf('tables', tables, (table) => isA(table, LabelTable));
    if (!list) throw invalid('tables: expected an array of LabelTables.');
    if (list.some((table) => table.engine !== engine)) throw invalid('Only tables of the same interrogator can be merged.');
    const sections = list.flatMap((table) => table.sections);
    return new LabelTable(engine, sections, false);
  }

  get length(): number {
    return this.sections.reduce((total, { labels }) => total + labels.length, 0);
  }

  get labels(): readonly string[] {
    this.allLabels ??= this.sections.length === 1 ? this.sections[0]!.labels : this.sections.flatMap(({ labels }) => labels);
    return this.allLabels;
  }

  /** Makes the embeddings now where they are not ready. Concurrent callers share the work; a failure is tried again. */
  async prepare(options: CallOptions = {}): Promise<void> {
    await this.engine.calls.run('LabelTable.prepare', options, NO_OPTIONS, (call) => this.prepareWithin(call));
  }

  /** @internal As a part of a running call. */
  async prepareWithin(call: Call): Promise<void> {
    await this.matrices(call);
  }

  /**
   * Frees the embeddings now, on a GPU too, rather than at some garbage collection; later calls, of tables merged of this one too, fail
   * with ERR_DISPOSED. A merged table has none of its own. On the interrogator's own tables this does nothing: they are freed with it.
   */
  close(): void {
    if (this.ownsSections) this.free();
  }

  /** @internal */
  free(): void {
    for (const section of this.sections) section.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The labels most similar to the image (reverse: least), in falling order. `features`: one row, from imageToFeatures(). */
  async rank(features: Features, options: RankOptions = {}): Promise<string[]> {
    const ranked = this.engine.calls.run('rank', options, RANK, async (call) => {
      const { topCount = 1, reverse } = call.options;
      return this.rankWithin(call, oneImage(features), topCount, reverse);
    });
    return (await ranked).map(({ label }) => label);
  }

  /**
   * As rank(), with each label's similarity, and where it is asked for its probability. Throws ERR_INVALID_ARGUMENT where the model's
   * weights do not say how they scale.
   */
  async rankScored(features: Features, options: RankScoredOptions = {}): Promise<RankedLabel[]> {
    return this.engine.calls.run('rankScored', options, RANK_SCORED, async (call) => {
      const { topCount = 1, reverse, scores } = call.options;
      const image = oneImage(features);
      const ranked = await this.rankWithin(call, image, topCount, reverse);
      if (scores !== 'probability' || ranked.length === 0) return ranked;
      const probability = await this.probabilities(call, image);
      return ranked.map((label) => ({ ...label, probability: probability(label.similarity) }));
    });
  }

  /** What makes a probability of a label's similarity with this image. */
  private async probabilities(call: Call, image: NativeFeatures): Promise<(similarity: number) => number> {
    const { clip, binding } = this.engine;
    // A sigmoid needs no other label's.
    if (clip.logits.scale === null || clip.logits.bias !== null) return probabilityOf([], clip.logits);
    const { similarities } = await binding.topK(await this.matrices(call), image, this.length, {}, call.token);
    return probabilityOf(similarities, clip.logits);
  }

  /** @internal Ranks as a part of a running call. */
  async rankWithin(call: Call, image: NativeFeatures, topCount: number, reverse = false): Promise<RankedLabel[]> {
    if (topCount === 0 || this.sections.length === 0) return [];
    const { config, binding, corrected } = this.engine;
    const matrices = await this.matrices(call);
    const options = { reverse, chunkSize: config.ranking === 'global' ? 0 : config.chunkSize, corrected };
    const { indices, similarities } = await binding.topK(matrices, image, Math.min(topCount, this.length), options, call.token);
    return Array.from(indices, (index, i) => ({ label: this.labelAt(index), similarity: similarities[i] as number }));
  }

  /** One after the other, so that progress is told of one table at a time. */
  private async matrices({ signal, report }: Call): Promise<NativeLabelMatrix[]> {
    const matrices: NativeLabelMatrix[] = [];
    for (const { matrix } of this.sections) matrices.push(await matrix.get({ signal, report }));
    return matrices;
  }

  private labelAt(index: number): string {
    let start = 0;
    for (const { labels } of this.sections) {
      if (index < start + labels.length) return labels[index - start] as string;
      start += labels.length;
    }
    throw new InterrogatorError('ERR_RUNTIME', `Ranking returned label ${index} of ${this.length}.`);
  }
}
