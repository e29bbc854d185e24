/** A prompt in parts: what is new fades in, and what is pointed at in the list of terms is marked. */
import { signal } from '@preact/signals';
import { gainText } from '../../../words/amounts';

/** The term that the pointer or the focus is on. */
export const markedTerm = signal<string | null>(null);

export interface PromptTextProps {
  parts: readonly { text: string; gain: number | null }[] | null;
  /** Shown where there are no parts. */
  prompt: string;
  isGrowing: boolean;
  size?: 'large' | 'small';
}

export function PromptText({ parts, prompt, isGrowing, size = 'large' }: PromptTextProps) {
  const className = `prompt ${size}${isGrowing ? ' growing' : ''}`;
  if (!parts) return prompt ? <p class={className}>{prompt}</p> : null;
  return (
    <p class={className} data-testid={size === 'large' ? 'prompt' : 'negative-prompt'}>
      {parts.map(({ text, gain }, i) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: pointing at a part only marks what the list of terms says in words.
        <span
          key={`${i} ${text}`}
          class={markedTerm.value === text ? 'part marked' : 'part'}
          title={gain === null ? undefined : gainText(gain)}
          onMouseEnter={() => {
            markedTerm.value = text;
          }}
          onMouseLeave={() => {
            markedTerm.value = null;
          }}
        >
          {text}
          {i < parts.length - 1 ? ', ' : ''}
        </span>
      ))}
    </p>
  );
}
