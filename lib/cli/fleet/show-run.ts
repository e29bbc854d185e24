/** A run of a fleet for people. */
import type { RunView } from '../../fleet';
import { describeRecord } from '../failure';
import { onOneLine, print } from '../lines';
import { count, progressLine } from '../run/progress-line';

export function showRun(run: RunView, { json, columns }: { json?: boolean; columns: number }): void {
  if (json) print(JSON.stringify(run));
  else for (const line of runLines(run, columns)) print(line);
}

/** At most `columns` wide, but for titles and reasons. */
export function runLines(run: RunView, columns: number): string[] {
  const { state, shards, error, tenant, title, trouble } = run;
  const work = [
    state,
    `${count(shards.total - Math.min(shards.left, shards.total))} of ${count(shards.total)} shards done`,
    shards.active > 0 && `${count(shards.active)} under way`,
    tenant !== 'default' && `tenant ${tenant}`,
  ].filter(Boolean);
  return [
    `${run.run}  ${onOneLine(title)}`,
    `  ${progressLine(run, columns - 2)}`,
    `  ${work.join(' · ')}`,
    ...(error
      ? describeRecord(error)
          .split('\n')
          .map((line) => `  ${onOneLine(line)}`)
      : []),
    ...(trouble === undefined ? [] : [`  Tried again: ${onOneLine(trouble.replaceAll('\n', ' '))}`]),
    ...refusalLines(run).map((line) => `  ${line}`),
  ];
}

/** Workers that take no part, each reason once. */
export function refusalLines({ refusals }: Pick<RunView, 'refusals'>): string[] {
  const reasons = new Map<string, string[]>();
  for (const [worker, reason] of Object.entries(refusals)) reasons.set(reason, [...(reasons.get(reason) ?? []), worker]);
  return [...reasons].map(([reason, workers]) => {
    const [first = '', ...others] = workers;
    const who = others.length === 0 ? `The worker ${first} takes` : `The worker ${first} and ${others.length} more take`;
    return `${who} no part: ${onOneLine(reason.replaceAll('\n', ' '))}`;
  });
}
