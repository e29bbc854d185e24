/** What the server is at, and a way to stop it. */
import type { ProgressData } from '../../../../server/contract/interrogate';
import { Icon } from '../../../parts/icon';
import { Progress } from '../../../parts/progress';
import { secondsText } from '../../../words/amounts';
import { type Key, say } from '../../../words/say';

const STAGES = ['queue', 'load', 'download', 'labels', 'caption', 'features', 'rank', 'chain'] as const;

export function stageText(progress: ProgressData | null): string {
  const [name = '', ...rest] = (progress?.stage ?? '').split(' ');
  const stage = STAGES.find((each) => each === name);
  if (!stage) return progress?.stage || say('stage.sending');
  if (stage === 'queue' && progress?.seconds !== undefined && progress.seconds >= 1) {
    return say('stage.queueFor', { time: secondsText(progress.seconds) });
  }
  return say(`stage.${stage}` satisfies Key, { what: rest.join(' ') });
}

export function Waiting({ progress, onStop }: { progress: ProgressData | null; onStop: () => void }) {
  const share = progress && progress.total > 0 && progress.stage !== 'queue' ? progress.done / progress.total : null;
  const text = stageText(progress);
  return (
    <div class="waiting-row">
      <div class="grow stack tiny-gap">
        <span class="muted small" aria-live="polite">
          {text}
        </span>
        <Progress share={share} label={text} />
      </div>
      <button type="button" class="button quiet" onClick={onStop}>
        <Icon name="stop" /> {say('stop')}
      </button>
    </div>
  );
}
