/** Copies a text, and says for a moment that it did. */
import { useSignal } from '@preact/signals';
import { say } from '../words/say';
import { Icon } from './icon';

export interface CopyButtonProps {
  text: string;
  look?: 'full' | 'icon';
}

export function CopyButton({ text, look = 'full' }: CopyButtonProps) {
  const copied = useSignal(false);
  const copy = async () => {
    await copyText(text);
    copied.value = true;
    setTimeout(() => {
      copied.value = false;
    }, 1500);
  };
  return (
    <button type="button" class={look === 'icon' ? 'button icon-only' : 'button'} onClick={copy} disabled={text === ''} title={say('copy')}>
      <Icon name={copied.value ? 'check' : 'copy'} />
      <span class={look === 'icon' ? 'hidden' : undefined} aria-live="polite">
        {say(copied.value ? 'copied' : 'copy')}
      </span>
    </button>
  );
}

/** The clipboard is there on secure origins alone; over plain http in a local network a hidden field does. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement('textarea');
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
}
