/** Label embeddings by the text tower: those of a big table in parts, so that a build that was interrupted goes on where it was. */
import type { NativeLabelMatrix } from '../native/types';
import type { LabelParts, Range } from './label-parts';
import { textOrder } from './text-order';
import { type WantedLabels, wantedLabels } from './wanted-labels';

/** @internal Tests make them small. */
export const PART_LIMITS = {
  /** Labels of a table that is built at once: seconds, but on the slowest machines. */
  whole: 1024,
  /** A part has at least so many labels: to check it takes three. */
  least: 512,
  /** And at most so many, which bounds the memory and what a step of tokenising takes. */
  most: 32_768,
  /** As long as it takes to build a part: an interruption costs at most so much and a half. */
  seconds: 20,
};

interface Piece extends Range {
  matrix: NativeLabelMatrix;
}

export function isBuiltInParts(labels: readonly string[]): boolean {
  return labels.length > PART_LIMITS.whole;
}

/** The embeddings in memory, rounded to float16. The stage has its progress told, in labels. */
export async function buildLabels({ engine, labels, hash, call }: WantedLabels, stage: string): Promise<NativeLabelMatrix> {
  using features = await engine.clip.textFeatures(labels, call, stage);
  return engine.binding.labelMatrixFromFeatures(features, hash);
}

/** As buildLabels(), to the same bits. Begins with the parts that are there and keeps those that it makes; their removal is the caller's. */
export async function buildInParts(wanted: WantedLabels, stage: string, parts: LabelParts): Promise<NativeLabelMatrix> {
  const { engine, labels, hash, call } = wanted;
  const order = await textOrder(labels, call.signal);
  const partOf = ({ begin, end }: Range): Promise<WantedLabels> =>
    wantedLabels(
      engine,
      Array.from(order.subarray(begin, end), (place) => labels[place] as string),
      call,
    );
  const pieces: Piece[] = [];
  try {
    let ready = 0;
    const report = (done: number): void => call.report({ stage, done: ready + done, total: labels.length });
    for (const range of await parts.list()) {
      const matrix = range.end <= labels.length ? await parts.open(await partOf(range), range) : undefined;
      if (!matrix) continue;
      pieces.push({ ...range, matrix });
      ready += range.end - range.begin;
      report(0);
    }
    let perSecond = 0;
    for (const gap of gapsBetween(pieces, labels.length)) {
      for (let begin = gap.begin; begin < gap.end; ) {
        const range = { begin, end: endOfPart(begin, gap.end, perSecond) };
        const count = range.end - begin;
        const started = performance.now();
        const part = await partOf(range);
        const reporting = { ...part, call: { ...call, report: ({ done }: { done: number }) => report(done) } };
        const matrix = await buildLabels(reporting, stage);
        perSecond = count / ((performance.now() - started) / 1000);
        pieces.push({ ...range, matrix });
        ready += count;
        await parts.keep(part, range, matrix);
        begin = range.end;
      }
    }
    pieces.sort((a, b) => a.begin - b.begin);
    const matrices = pieces.map(({ matrix }) => matrix);
    return await engine.binding.joinLabelMatrices(matrices, order, hash);
  } finally {
    for (const { matrix } of pieces) matrix.close();
  }
}

/** What the pieces, sorted, leave out. */
function gapsBetween(pieces: readonly Range[], length: number): Range[] {
  const begins = [0, ...pieces.map(({ end }) => end)];
  const ends = [...pieces.map(({ begin }) => begin), length];
  return begins.map((begin, i) => ({ begin, end: ends[i] as number })).filter(({ begin, end }) => begin < end);
}

/** As many labels as the part before says can be built in the time; a rest that is not much larger belongs to it. */
function endOfPart(begin: number, limit: number, perSecond: number): number {
  const { least, most, seconds } = PART_LIMITS;
  const size = Math.min(Math.max(Math.floor(perSecond * seconds), least), most);
  return limit - begin < 1.5 * size ? limit : begin + size;
}
