/** One picture's terms as bars, the best first. */
import { Bar, shareOf } from '../../parts/bar';
import { Icon } from '../../parts/icon';
import type { Picture } from '../../pictures/pictures';
import { similarityText } from '../../words/amounts';
import { say } from '../../words/say';
import { orderedTerms, range } from './order';
import { draft, removeTerm, similarityOf, version } from './sheet';
import { isTag, toggleTag } from './tags';

export function Bars({ picture }: { picture: Picture }) {
  version.value;
  return (
    <ol class="ranked ticked card">
      {orderedTerms.value.map((term) => {
        const similarity = similarityOf(picture, term);
        const isDraft = draft.value.trim() === term;
        return (
          <li key={term} class={isDraft ? 'draft' : undefined}>
            <input
              type="checkbox"
              aria-label={say('rank.tick', { term })}
              disabled={similarity === undefined}
              checked={similarity !== undefined && isTag(picture, term)}
              onChange={() => toggleTag(picture, term)}
            />
            <span class="label" title={term}>
              {term}
            </span>
            <Bar
              share={similarity === undefined ? 0 : shareOf(similarity, { least: Math.min(0, range.value.least), most: range.value.most })}
            />
            <span class="number">{similarity === undefined ? '…' : similarityText(similarity)}</span>
            <button
              type="button"
              class="button icon-only"
              disabled={isDraft}
              aria-label={say('rank.removeTerm', { term })}
              onClick={() => removeTerm(term)}
            >
              <Icon name="close" />
            </button>
          </li>
        );
      })}
    </ol>
  );
}
