/** Runs: what the fleet works on. */
import { useEffect } from 'preact/hooks';
import { status } from '../../api/status';
import { CopyButton } from '../../parts/copy-button';
import { Icon } from '../../parts/icon';
import { ErrorNotice, Notice } from '../../parts/notice';
import { Progress } from '../../parts/progress';
import { say } from '../../words/say';
import { RunCard } from './run-card';
import { crew, error, followRuns, list, refreshRuns, showMore, total } from './runs-state';

const COMMAND = 'npx torch-interrogator run submit PICTURES --redis URL --out texts.jsonl';
const WORKER = 'npx torch-interrogator worker --redis URL';

export function RunsTab() {
  useEffect(followRuns, []);
  const { value: runs } = list;
  if (!runs) return error.value ? <Fault /> : <Progress share={null} label={say('loading')} />;
  const living = crew.value.filter(({ isAlive }) => isAlive).length;
  const isAlone = living === 0 && runs.some(({ endedAt, state }) => endedAt === undefined && state !== 'paused');
  return (
    <div class="stack wide-gap">
      <div class="row wrap">
        <p class="grow muted">{say('runs.counts', { runs: total.value, workers: living })}</p>
        <a class="button" href="queues" target="_blank" rel="noreferrer">
          <Icon name="list" /> {say('runs.queues')}
        </a>
      </div>
      {error.value && <Fault />}
      {isAlone && (
        <Notice>
          {say('runs.alone')} <code>{WORKER}</code>
        </Notice>
      )}
      {runs.length === 0 ? <Empty /> : null}
      <ul class="stack">
        {runs.map((run) => (
          <RunCard key={run.run} run={run} />
        ))}
      </ul>
      {runs.length < total.value && (
        <button type="button" class="button" onClick={showMore}>
          {say('runs.more')}
        </button>
      )}
    </div>
  );
}

function Fault() {
  return error.value && <ErrorNotice error={error.value} onRetry={refreshRuns} />;
}

function Empty() {
  return (
    <div class="empty">
      <Icon name="list" />
      <p>{say('runs.none')}</p>
      <p class="row wrap run-command">
        <code>{COMMAND}</code> <CopyButton text={COMMAND} />
      </p>
      {status.value?.fleet?.submits && <p class="small">{say('runs.orPost')}</p>}
    </div>
  );
}
