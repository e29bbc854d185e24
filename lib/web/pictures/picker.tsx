/** Choosing files, giving an address, and the large field that asks for the first picture. */
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { status } from '../api/status';
import { Icon } from '../parts/icon';
import { say } from '../words/say';
import { addAddress, addFiles } from './pictures';

/** Opens the browser's own chooser. */
function useChooser() {
  const input = useRef<HTMLInputElement>(null);
  const field = (
    <input
      ref={input}
      type="file"
      accept="image/*"
      multiple
      hidden
      data-testid="files"
      onChange={({ currentTarget }) => {
        addFiles(currentTarget.files ?? []);
        // The same file again is a change too.
        currentTarget.value = '';
      }}
    />
  );
  return { field, open: () => input.current?.click() };
}

export function AddButton() {
  const { field, open } = useChooser();
  return (
    <>
      {field}
      <button type="button" class="button quiet" onClick={open}>
        <Icon name="plus" /> {say('addPictures')}
      </button>
    </>
  );
}

/** Where nothing can be dropped, nothing is said of dropping. */
const isTouch = matchMedia('(hover: none)').matches;

export function Picker({ lead }: { lead: 'interrogate.lead' | 'analyze.lead' | 'rank.lead' }) {
  const { field, open } = useChooser();
  return (
    <section class="picker">
      {field}
      <button type="button" class="picker-field" onClick={open}>
        <span class="picker-icon">
          <Icon name="image" />
        </span>
        <strong>{say(isTouch ? 'dropPictures.touch' : 'dropPictures')}</strong>
        <span class="muted">{say(isTouch ? `${lead}.touch` : lead)}</span>
        <span class="button primary">{say('choosePictures')}</span>
        {!isTouch && <span class="muted small">{say('pasteHint')}</span>}
      </button>
      {status.value?.allows.urls && <Address />}
    </section>
  );
}

function Address() {
  const address = useSignal('');
  const isValid = /^https?:\/\//i.test(address.value) && URL.canParse(address.value);
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        if (isValid) addAddress(address.value);
      }}
    >
      <input
        class="grow"
        type="url"
        placeholder={say('addressPlaceholder')}
        aria-label={say('addressPlaceholder')}
        value={address.value}
        onInput={({ currentTarget }) => {
          address.value = currentTarget.value;
        }}
      />
      <button type="submit" class="button" disabled={!isValid}>
        {say('fetchAddress')}
      </button>
    </form>
  );
}
