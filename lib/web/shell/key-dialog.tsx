/** Asks for the API key when the server refuses a request without it. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { apiKey, keyIsDeclined, keyIsWanted } from '../api/key';
import { refreshStatus } from '../api/status';
import { Notice } from '../parts/notice';
import { say } from '../words/say';

export function KeyDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const entered = useSignal('');
  const isWanted = keyIsWanted.value;
  useEffect(() => {
    if (isWanted) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isWanted]);
  return (
    <dialog ref={dialog} aria-labelledby="key-title" onCancel={decline}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          const given = entered.value.trim();
          keyIsWanted.value = false;
          // The same key once more changes nothing that anybody listens to.
          if (given === apiKey.peek()) refreshStatus();
          else apiKey.value = given;
        }}
      >
        <h2 id="key-title">{say('key.title')}</h2>
        <p class="muted">{apiKey.value ? say('key.wrong') : say('key.why')}</p>
        <input
          type="password"
          autocomplete="off"
          aria-label={say('key.title')}
          value={entered.value}
          onInput={({ currentTarget }) => {
            entered.value = currentTarget.value;
          }}
        />
        <div class="row end">
          <button type="button" class="button" onClick={decline}>
            {say('cancel')}
          </button>
          <button type="submit" class="button primary" disabled={entered.value.trim() === ''}>
            {say('key.use')}
          </button>
        </div>
      </form>
    </dialog>
  );
}

function decline(): void {
  keyIsDeclined.value = true;
  keyIsWanted.value = false;
}

/** For those who closed the dialog. */
export function KeyNotice() {
  if (!keyIsDeclined.value) return null;
  const ask = () => {
    keyIsDeclined.value = false;
    keyIsWanted.value = true;
  };
  return (
    <Notice
      action={
        <button type="button" class="button primary" onClick={ask}>
          {say('key.enter')}
        </button>
      }
    >
      {say('key.why')}
    </Notice>
  );
}
