/** One run: how far it is, what is wrong with it, and what can be done with it. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Run } from '../../../server/contract/runs';
import { type RequestError, shownError } from '../../api/request';
import { changeFleetRun, removeFleetRun } from '../../api/runs';
import { Icon, type IconName } from '../../parts/icon';
import { ErrorNotice } from '../../parts/notice';
import { Progress } from '../../parts/progress';
import { secondsText } from '../../words/amounts';
import { language, say } from '../../words/say';
import { Refusals, RunFailures } from './run-failures';
import { refreshRuns } from './runs-state';

type Action = 'pause' | 'resume' | 'cancel' | 'retry' | 'remove';

const ICONS: Record<Action, IconName> = { pause: 'pause', resume: 'play', cancel: 'ban', retry: 'again', remove: 'trash' };

export function RunCard({ run }: { run: Run }) {
  const problem = useSignal<RequestError | null>(null);
  const isBusy = useSignal(false);
  const act = async (action: Action) => {
    isBusy.value = true;
    try {
      await (action === 'remove' ? removeFleetRun(run.run) : changeFleetRun(run.run, action));
      problem.value = null;
    } catch (cause) {
      problem.value = shownError(cause);
    }
    await refreshRuns();
    isBusy.value = false;
  };
  const { title, state, error, total } = run;
  const finished = run.done + run.kept + run.failed + run.skipped;
  const tone = state === 'failed' ? ' bad' : run.endedAt === undefined ? ' accent' : '';
  return (
    <li>
      <article class="card stack small-gap run" aria-label={title}>
        <div class="row wrap top">
          <div class="grow">
            <h2 class="run-title">{title}</h2>
            <p class="muted small">
              <span class={`tag${tone}`}>{say(`run.${state}`)}</span> {facts(run)}
            </p>
          </div>
          <Buttons run={run} isBusy={isBusy.value} act={act} />
        </div>
        {run.endedAt === undefined && <Progress share={total ? finished / total : null} label={`${title}: ${say(`run.${state}`)}`} />}
        <p class="muted small">{work(run)}</p>
        {error && (
          <p class="bad-text small">
            <Icon name="alert" /> {error.message} {error.hint}
          </p>
        )}
        <Refusals refusals={run.refusals} />
        <RunFailures run={run} />
        {problem.value && <ErrorNotice error={problem.value} />}
      </article>
    </li>
  );
}

function facts({ done, kept, skipped, failed, total, rate, secondsLeft, seconds, endedAt }: Run): string {
  const finished = done + kept + skipped + failed;
  const isOpen = endedAt === undefined;
  return [
    total === null ? say('run.done', { done: finished }) : say('run.doneOf', { done: finished, total }),
    failed > 0 && say('run.failures', { count: failed }),
    skipped > 0 && say('runs.skipped', { count: skipped }),
    isOpen && rate > 0 && say('run.rate', { rate: Math.round(rate * 10) / 10 }),
    isOpen && secondsLeft !== null && secondsLeft > 0 && say('run.left', { time: secondsText(secondsLeft) }),
    !isOpen && say('runs.took', { time: secondsText(seconds) }),
  ]
    .filter(Boolean)
    .join(' · ');
}

function work({ run, shards, workers, tenant, createdAt, written }: Run): string {
  return [
    run,
    new Date(createdAt).toLocaleString(language.value, { dateStyle: 'medium', timeStyle: 'short' }),
    say('runs.shards', { done: Math.max(0, shards.total - shards.left), total: shards.total }),
    workers.length > 0 && say('runs.workersOn', { count: workers.length }),
    tenant !== 'default' && say('runs.tenant', { name: tenant }),
    written.length > 0 && written.join(', '),
  ]
    .filter(Boolean)
    .join(' · ');
}

function actionsOf({ state, endedAt, failed }: Run): Action[] {
  if (endedAt === undefined) return [state === 'paused' ? 'resume' : 'pause', 'cancel'];
  return state !== 'cancelled' && (failed > 0 || state === 'failed') ? ['retry', 'remove'] : ['remove'];
}

interface ButtonsProps {
  run: Run;
  isBusy: boolean;
  act: (action: Action) => void;
}

function Buttons({ run, isBusy, act }: ButtonsProps) {
  const isAsked = useSignal(false);
  const keep = useRef<HTMLButtonElement>(null);
  // What is safe has the focus.
  useEffect(() => {
    if (isAsked.value) keep.current?.focus();
  }, [isAsked.value]);
  const isOver = run.endedAt !== undefined;
  if (isAsked.value && !isOver) {
    return (
      <fieldset class="row wrap run-question">
        <legend class="small">{say('runs.cancel.question')}</legend>
        <button
          type="button"
          class="button"
          ref={keep}
          onClick={() => {
            isAsked.value = false;
          }}
        >
          {say('runs.cancel.no')}
        </button>
        <button
          type="button"
          class="button"
          disabled={isBusy}
          onClick={() => {
            isAsked.value = false;
            act('cancel');
          }}
        >
          <Icon name="ban" /> {say('runs.cancel.yes')}
        </button>
      </fieldset>
    );
  }
  return (
    <div class="row wrap">
      {actionsOf(run).map((action) => (
        <button
          key={action}
          type="button"
          class="button"
          disabled={isBusy}
          onClick={() => {
            if (action === 'cancel') isAsked.value = true;
            else act(action);
          }}
        >
          <Icon name={ICONS[action]} /> {say(`runs.${action}`)}
        </button>
      ))}
    </div>
  );
}
