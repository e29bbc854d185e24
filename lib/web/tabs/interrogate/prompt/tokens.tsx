/** How much of a prompt the model reads. */
import { say } from '../../../words/say';

export function Tokens({ count, most }: { count: number; most: number }) {
  const isCut = count > most;
  const text = say(isCut ? 'tokensCut' : 'tokensOf', { count, most });
  return (
    <span class={isCut ? 'fact bad-text' : 'fact'} title={say('tokens.what', { most })}>
      <span class="meter" aria-hidden="true">
        <span style={{ transform: `scaleX(${Math.min(1, count / most)})` }} />
      </span>
      {text}
    </span>
  );
}
