/** The run over the folder: start it, watch it, pause it, go on. */
import { signal } from '@preact/signals';
import type { FolderRun } from '../../../server/contract/folder';
import { changeRun, startRun } from '../../api/folder';
import { shownError } from '../../api/request';
import { Icon } from '../../parts/icon';
import { Progress } from '../../parts/progress';
import { secondsText } from '../../words/amounts';
import { say } from '../../words/say';
import { MODES, type Mode } from '../interrogate/asking/settings';
import { error, run } from './gallery-state';

export function RunCard() {
  const { value: current } = run;
  if (!current) return null;
  const isGoing = current.state === 'running' || current.state === 'paused';
  return (
    <section class="card stack small-gap">
      <div class="row wrap">
        <div class="grow">
          <strong>{say(`run.${current.state}`)}</strong> <span class="muted small">{facts(current)}</span>
        </div>
        {isGoing ? <Going run={current} /> : <Start />}
      </div>
      {isGoing && <Progress share={current.total ? current.done / current.total : null} label={say(`run.${current.state}`)} />}
      {current.message && <p class={current.state === 'failed' ? 'bad-text small' : 'muted small'}>{current.message}</p>}
    </section>
  );
}

function facts({ done, total, failed, perSecond, secondsLeft, state }: FolderRun): string {
  if (state === 'never') return say('run.never.what');
  return [
    total === null ? say('run.done', { done }) : say('run.doneOf', { done, total }),
    failed > 0 && say('run.failures', { count: failed }),
    perSecond !== null && state === 'running' && say('run.rate', { rate: Math.round(perSecond * 10) / 10 }),
    secondsLeft !== null && state === 'running' && say('run.left', { time: secondsText(secondsLeft) }),
  ]
    .filter(Boolean)
    .join(' · ');
}

async function attempt(task: () => Promise<FolderRun>): Promise<void> {
  try {
    run.value = await task();
    error.value = null;
  } catch (cause) {
    error.value = shownError(cause);
  }
}

function Going({ run: { state } }: { run: FolderRun }) {
  const action = state === 'paused' ? 'resume' : 'pause';
  return (
    <button type="button" class="button" onClick={() => attempt(() => changeRun(action))}>
      <Icon name={state === 'paused' ? 'play' : 'pause'} /> {say(`run.${action}`)}
    </button>
  );
}

/** Of the next run: they stay while one is under way. */
const mode = signal<Mode>('caption');
const again = signal<'missing' | 'errors' | 'all'>('missing');
const sidecar = signal(false);

function Start() {
  return (
    <div class="row wrap">
      <select
        class="compact"
        aria-label={say('mode')}
        value={mode.value}
        onChange={({ currentTarget }) => {
          mode.value = currentTarget.value as Mode;
        }}
      >
        {MODES.map((each) => (
          <option key={each} value={each}>
            {say(`mode.${each}`)}
          </option>
        ))}
      </select>
      <select
        class="compact"
        aria-label={say('run.which')}
        value={again.value}
        onChange={({ currentTarget }) => {
          again.value = currentTarget.value as typeof again.value;
        }}
      >
        {(['missing', 'errors', 'all'] as const).map((each) => (
          <option key={each} value={each}>
            {say(`run.again.${each}`)}
          </option>
        ))}
      </select>
      <label class="check small">
        <input
          type="checkbox"
          checked={sidecar.value}
          onChange={({ currentTarget }) => {
            sidecar.value = currentTarget.checked;
          }}
        />
        <span>{say('run.sidecar')}</span>
      </label>
      <button
        type="button"
        class="button primary"
        onClick={() => attempt(() => startRun({ modes: [mode.value], again: again.value, sidecar: sidecar.value }))}
      >
        <Icon name="play" /> {say('run.start')}
      </button>
    </div>
  );
}
