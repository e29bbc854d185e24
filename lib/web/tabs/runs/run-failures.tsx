/** Why pictures of a run failed, and why workers take no part. */
import type { Run } from '../../../server/contract/runs';
import { Icon } from '../../parts/icon';
import { say } from '../../words/say';

export function RunFailures({ run: { failures, failed } }: { run: Run }) {
  if (failures.length === 0) return null;
  return (
    <details class="run-failures">
      <summary>{say('runs.causes', { count: failed })}</summary>
      <ul class="stack small-gap">
        {failures.map(({ code, hint, count, examples }) => (
          <li key={code} class="small">
            <strong>{say('run.failures', { count })}</strong> <code>{code}</code>
            {hint && <p class="muted">{hint}</p>}
            <ul>
              {examples.map(({ name, message }) => (
                <li key={name} class="run-example">
                  {message.includes(name) ? message : `${name}: ${message}`}
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Each reason once. */
export function Refusals({ refusals }: { refusals: Run['refusals'] }) {
  const reasons = [...new Set(Object.values(refusals))];
  return (
    <>
      {reasons.map((reason) => (
        <p key={reason} class="bad-text small">
          <Icon name="alert" /> {say('runs.refusals', { count: Object.values(refusals).filter((each) => each === reason).length })} {reason}
        </p>
      ))}
    </>
  );
}
