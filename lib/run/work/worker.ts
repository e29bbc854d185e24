/** What one device makes of a picture: all that is missing, in one pass over it. */
import { createHash } from 'node:crypto';
import { Features, type ImageInput, type Interrogator, LabelTable, type Mode, type ProgressListener, type TermTable } from '../../api';
import type { PictureLine, TaskResult } from '../ledger/line';
import type { RunTask } from '../options';
import type { Plan } from './keys';

/** What is known of a picture already, and need not be made again. */
export interface Known {
  features?: Float32Array | undefined;
  /** By the keys of the plan. */
  results?: PictureLine['results'] | undefined;
}

export interface Made {
  /** By the keys of the plan. */
  results: Record<string, TaskResult>;
  /** Of an image that was encoded now. */
  features?: Float32Array;
}

export class Worker {
  private table: Promise<LabelTable> | undefined;

  constructor(
    private readonly interrogator: Interrogator,
    private readonly onProgress: ProgressListener,
  ) {}

  /** `missing`: keys of the plan whose results are asked for. */
  async make(image: ImageInput, task: RunTask, plan: Plan, missing: ReadonlySet<string>, known: Known, signal: AbortSignal): Promise<Made> {
    const { interrogator } = this;
    const modes = plan.modes.filter(({ key }) => missing.has(key));
    using given = known.features && (await Features.from(known.features, interrogator, { signal }));
    const options = task.kind === 'interrogate' ? optionsOf(task, plan, known) : {};
    const answer = await interrogator.describeModes(image, {
      ...options,
      modes: modes.map(({ mode }) => mode),
      termCount: plan.terms && missing.has(plan.terms.key) ? plan.terms.count : 0,
      ...(given && { features: given }),
      similarities: false,
      signal,
      onProgress: this.onProgress,
    });
    using features = answer.features;
    const results: Record<string, TaskResult> = {};
    for (const [i, { key }] of modes.entries()) {
      const { prompt: text } = answer.descriptions[i] as { prompt: string; mode: Mode };
      results[key] = { text };
    }
    for (const [i, { key }] of plan.similarities.entries()) {
      if (!missing.has(key)) continue;
      const { key: mode } = plan.modes[i] as Plan['modes'][number];
      const { text = '' } = results[mode] ?? known.results?.[mode] ?? {};
      results[key] = { similarity: rounded(await interrogator.similarity(features, text, { signal })) };
    }
    if (plan.caption && answer.caption !== null) results[plan.caption.key] = { text: answer.caption };
    if (plan.terms && missing.has(plan.terms.key)) results[plan.terms.key] = { terms: termsOf(answer.terms) };
    if (plan.rank && missing.has(plan.rank.key) && task.kind === 'rank') {
      const { topCount, scores } = task;
      const table = await this.labels(task, signal);
      const ranked = await table.rankScored(features, { topCount, scores, signal });
      results[plan.rank.key] = { ranked: ranked.map((each) => ({ ...each, similarity: rounded(each.similarity) })) };
    }
    const { width, height, truncated } = answer;
    if (width !== undefined && height !== undefined) results[plan.decoding.key] = { width, height, ...(truncated && { truncated }) };
    return { results, ...(!given && { features: await features.toArray({ signal }) }) };
  }

  close(): void {
    this.table?.then((table) => table.close()).catch(() => {});
  }

  /** Made for the first picture that can be used: a wrong path costs no more than opening it. */
  private labels({ labels, template }: Extract<RunTask, { kind: 'rank' }>, signal: AbortSignal): Promise<LabelTable> {
    this.table ??= LabelTable.create(labels, tableName(labels, template), this.interrogator, {
      ...(template !== undefined && { template }),
      signal,
      onProgress: this.onProgress,
    }).catch((error) => {
      this.table = undefined;
      throw error;
    });
    return this.table;
  }
}

function optionsOf(task: Extract<RunTask, { kind: 'interrogate' }>, { caption }: Plan, { results }: Known) {
  const { minFlavors, maxFlavors } = task;
  const begins = task.caption || (caption && results?.[caption.key]?.text);
  return {
    ...(begins && { caption: begins }),
    ...(minFlavors !== undefined && { minFlavors }),
    ...(maxFlavors !== undefined && { maxFlavors }),
  };
}

function termsOf(terms: Partial<Record<TermTable, { label: string; similarity: number }[]>>) {
  const tables = Object.entries(terms).map(([table, labels]) => [
    table,
    labels.map(({ label, similarity }) => ({ label, similarity: rounded(similarity) })),
  ]);
  return Object.fromEntries(tables) as NonNullable<TaskResult['terms']>;
}

/** By their content, so that the embeddings of a list are found again under whatever file name it has. */
function tableName(labels: readonly string[], template: string | undefined): string {
  const texts = template === undefined ? labels : [...labels, template];
  return `rank-${createHash('sha256').update(texts.join('\n')).digest('hex').slice(0, 16)}`;
}

/** What is behind the sixth decimal says nothing. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
