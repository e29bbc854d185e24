/** The caption that the prompt begins from. Another one makes another prompt. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Icon } from '../../parts/icon';
import type { Picture } from '../../pictures/pictures';
import { say } from '../../words/say';
import { asksOf } from './asking/asks';

export function CaptionField({ picture, caption }: { picture: Picture; caption: string | null }) {
  const own = asksOf(picture).caption;
  const text = useSignal(caption ?? '');
  useEffect(() => {
    text.value = own.value ?? caption ?? '';
  }, [picture, caption, own.value]);
  const keep = () => {
    const given = text.value.trim();
    if (given !== '' && given !== (own.value ?? caption)) own.value = given;
  };
  return (
    <form
      class="card caption-field"
      onSubmit={(event) => {
        event.preventDefault();
        keep();
      }}
    >
      <label class="caption-label" for={`caption-${picture.key}`}>
        {say('caption')}
      </label>
      <textarea
        id={`caption-${picture.key}`}
        class="grow bare"
        rows={1}
        value={text.value}
        placeholder={say('caption.none')}
        title={say('caption.what')}
        onInput={({ currentTarget }) => {
          text.value = currentTarget.value;
        }}
        onBlur={keep}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          keep();
        }}
      />
      {own.value !== null && (
        <button
          type="button"
          class="button quiet"
          onClick={() => {
            own.value = null;
          }}
        >
          <Icon name="undo" /> {say('caption.own')}
        </button>
      )}
    </form>
  );
}
