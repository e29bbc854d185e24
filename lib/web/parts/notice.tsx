/** What went wrong and what to do about it; and quieter things worth knowing. */
import type { ComponentChildren } from 'preact';
import type { RequestError } from '../api/request';
import { secondsText } from '../words/amounts';
import { say } from '../words/say';
import { Icon } from './icon';

export function ErrorNotice({ error, onRetry }: { error: RequestError; onRetry?: () => void }) {
  const isLost = error.code === 'ERR_CONNECTION';
  return (
    <div class="notice bad" role="alert">
      <Icon name="alert" />
      <div class="grow">
        <strong>{isLost ? say('connectionLost') : error.message}</strong>
        <p>{isLost ? say('connectionHint') : error.hint}</p>
        {error.retryAfter !== undefined && <p>{say('retryAfter', { time: secondsText(error.retryAfter) })}</p>}
        {!isLost && <code class="small">{error.code}</code>}
      </div>
      {onRetry && (
        <button type="button" class="button" onClick={onRetry}>
          <Icon name="again" /> {say('tryAgain')}
        </button>
      )}
    </div>
  );
}

export function Notice({ children, action }: { children: ComponentChildren; action?: ComponentChildren }) {
  return (
    <div class="notice" role="status">
      <Icon name="info" />
      <div class="grow">{children}</div>
      {action}
    </div>
  );
}
