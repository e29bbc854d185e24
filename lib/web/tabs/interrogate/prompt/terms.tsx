/** The prompt's terms: how similar each is, what each added, and buttons that pin and ban. */
import type { Static } from '@sinclair/typebox';
import type { PromptPart } from '../../../../server/contract/interrogate';
import { Bar, shareOf } from '../../../parts/bar';
import { Icon } from '../../../parts/icon';
import { IconButton } from '../../../parts/icon-button';
import { gainText, similarityText } from '../../../words/amounts';
import { say } from '../../../words/say';
import { banned, type Mode, pinned, toggleBan, togglePin } from '../asking/settings';
import { markedTerm } from './prompt-text';

type Part = Static<typeof PromptPart>;

export interface TermsProps {
  parts: readonly Part[];
  caption: string | null;
  mode: Mode;
}

export function Terms({ parts, caption, mode }: TermsProps) {
  // What the prompt began from is one part, whatever commas it has.
  const begins = mode !== 'negative' && parts[0]?.text === caption ? 1 : 0;
  const similarities = parts.map(({ similarity }) => similarity);
  // From zero, or from below it where something is: a bar's length is then comparable between pictures.
  const range = { least: Math.min(0, ...similarities), most: Math.max(...similarities, 0.01) };
  const mostGain = Math.max(...parts.slice(1).map(({ gain }) => Math.abs(gain)), 0.001);
  return (
    <section class="card">
      <header class="row wrap">
        <h2 class="grow">{say('terms')}</h2>
        <Kept />
      </header>
      <table class="terms">
        <thead>
          <tr>
            <th scope="col">{say('term')}</th>
            <th scope="col" class="number">
              {say('similarity')}
            </th>
            <th scope="col" class="number" title={say('gain.what')}>
              {say('gain')}
            </th>
            <th scope="col">
              <span class="hidden">{say('pinOrBan')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {parts.map((part, i) => (
            <TermRow
              key={`${i} ${part.text}`}
              part={part}
              share={shareOf(part.similarity, range)}
              gainShare={Math.abs(part.gain) / mostGain}
              // What classic mode begins with is made of two terms, and a caption is no term.
              isTerm={i >= begins + (mode === 'classic' ? 1 : 0) && mode !== 'caption'}
              origin={i < begins ? say('ofCaption') : null}
              // Nothing stood before the first one that it could have added to.
              isFirst={i === 0}
            />
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface TermRowProps {
  part: Part;
  share: number;
  gainShare: number;
  isTerm: boolean;
  origin: string | null;
  isFirst: boolean;
}

function TermRow({ part: { text, similarity, gain }, share, gainShare, isTerm, origin, isFirst }: TermRowProps) {
  // What is written as zero is no loss.
  const isLoss = gain <= -0.0005;
  const isPinned = pinned.value.includes(text);
  return (
    <tr
      class={markedTerm.value === text ? 'marked' : undefined}
      onMouseEnter={() => {
        markedTerm.value = text;
      }}
      onMouseLeave={() => {
        markedTerm.value = null;
      }}
    >
      <th scope="row">
        {text} {origin && <span class="tag">{origin}</span>}
      </th>
      <td>
        <span class="bar-cell">
          <Bar share={share} />
          <span class="number">{similarityText(similarity)}</span>
        </span>
      </td>
      <td>
        {!isFirst && (
          <span class={isLoss ? 'bar-cell bad-text' : 'bar-cell'}>
            <Bar share={gainShare} tone={isLoss ? 'bad' : 'quiet'} />
            <span class="number">{gainText(gain)}</span>
          </span>
        )}
      </td>
      <td class="actions">
        {isTerm && (
          <>
            <IconButton icon="pin" label={say('pin', { term: text })} isPressed={isPinned} onClick={() => togglePin(text)} />
            <IconButton icon="ban" label={say('ban', { term: text })} onClick={() => toggleBan(text)} />
          </>
        )}
      </td>
    </tr>
  );
}

/** What was pinned and banned before: a click frees it. */
function Kept() {
  return (
    <div class="row wrap">
      {pinned.value.map((term) => (
        <button
          key={`+${term}`}
          type="button"
          class="chip good"
          onClick={() => togglePin(term)}
          title={say('free', { term })}
          aria-label={say('free', { term })}
        >
          <Icon name="pin" /> {term} <Icon name="close" />
        </button>
      ))}
      {banned.value.map((term) => (
        <button
          key={`-${term}`}
          type="button"
          class="chip bad"
          onClick={() => toggleBan(term)}
          title={say('free', { term })}
          aria-label={say('free', { term })}
        >
          <Icon name="ban" /> <s>{term}</s> <Icon name="close" />
        </button>
      ))}
    </div>
  );
}
