/** Heads of rows and columns: a click puts the others in order. */
import { Icon } from '../../parts/icon';
import type { Picture } from '../../pictures/pictures';
import { Thumbnail } from '../../pictures/thumbnail';
import { say } from '../../words/say';
import { errors } from './filling';
import { byPicture, byTerm } from './order';
import { draft, removeTerm } from './sheet';

export function PictureHead({ picture, isTall }: { picture: Picture; isTall?: boolean }) {
  const isOrder = byPicture.value === picture;
  const error = errors.value.get(picture);
  return (
    <button
      type="button"
      class={isTall ? 'sheet-picture tall' : 'sheet-picture'}
      aria-pressed={isOrder}
      title={error ? `${picture.name}: ${error.message}` : say('rank.byPicture', { name: picture.name })}
      onClick={() => {
        byPicture.value = isOrder ? null : picture;
      }}
    >
      <Thumbnail picture={picture} />
      <span class={error ? 'ellipsis small bad-text' : 'ellipsis small'}>{picture.name}</span>
    </button>
  );
}

export function TermHead({ term }: { term: string }) {
  const isOrder = byTerm.value === term;
  const isDraft = draft.value.trim() === term;
  return (
    <span class={isDraft ? 'sheet-term draft' : 'sheet-term'}>
      <button
        type="button"
        class="sheet-term-name"
        aria-pressed={isOrder}
        title={say('rank.byTerm', { term })}
        onClick={() => {
          byTerm.value = isOrder ? null : term;
        }}
      >
        {term} {isOrder && <Icon name="sort" />}
      </button>
      {!isDraft && (
        <button
          type="button"
          class="sheet-term-remove"
          tabIndex={-1}
          aria-label={say('rank.removeTerm', { term })}
          onClick={() => removeTerm(term)}
        >
          <Icon name="close" />
        </button>
      )}
    </span>
  );
}
