/** Long calls that the server has under way or had lately. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Job } from '../../../server/contract/jobs';
import { cancelJob, jobs } from '../../api/jobs';
import { status } from '../../api/status';
import { Icon } from '../../parts/icon';
import { Progress } from '../../parts/progress';
import { language, say } from '../../words/say';

export function JobList() {
  const list = useSignal<readonly Job[]>([]);
  const refresh = async () => {
    try {
      list.value = await jobs();
    } catch {
      // The state of the server says already that it is gone.
    }
  };
  // As often as the rest of this tab.
  useEffect(() => {
    refresh();
  }, [status.value]);
  if (list.value.length === 0) return null;
  return (
    <section class="card stack small-gap">
      <h2>{say('jobs')}</h2>
      <ul class="models">
        {list.value.map((job) => (
          <li key={job.id}>
            <div class="grow">
              <span>{say(`job.${job.state}`)}</span> <span class="tag">{job.kind}</span>{' '}
              <span class="muted small">{new Date(job.created).toLocaleTimeString(language.value)}</span>
              {job.error && <p class="bad-text small">{job.error.detail}</p>}
              {job.state === 'running' && (
                <Progress share={job.progress && job.progress.total > 0 ? job.progress.done / job.progress.total : null} label={job.kind} />
              )}
            </div>
            {job.state === 'running' && (
              <button type="button" class="button quiet" onClick={() => cancelJob(job.id).then(refresh, refresh)}>
                <Icon name="stop" /> {say('stop')}
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
