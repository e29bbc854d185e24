/** A cell of the grid: a similarity as a number and a shade, and whether the term is a tag of the picture. */
import { shareOf } from '../../parts/bar';
import type { Picture } from '../../pictures/pictures';
import { similarityText } from '../../words/amounts';
import { errors } from './filling';
import { range } from './order';
import { similarityOf } from './sheet';
import { isTag, toggleTag } from './tags';

/** Pixels. */
export const CELL_WIDTH = 92;

export interface CellProps {
  picture: Picture;
  term: string;
  place: { row: number; column: number; left: number };
  isFocus: boolean;
  onFocus: () => void;
}

export function Cell({ picture, term, place, isFocus, onFocus }: CellProps) {
  const similarity = similarityOf(picture, term);
  const share = similarity === undefined ? 0 : shareOf(similarity, range.value);
  const isOn = similarity !== undefined && isTag(picture, term);
  return (
    <div
      class={isOn ? 'sheet-cell on' : 'sheet-cell'}
      role="gridcell"
      aria-colindex={place.column + 2}
      aria-selected={isOn}
      data-cell={`${place.row},${place.column}`}
      tabIndex={isFocus ? 0 : -1}
      style={{ left: `${place.left}px`, width: `${CELL_WIDTH}px`, '--share': `${Math.round(share * 100)}%` }}
      title={`${picture.name} · ${term}`}
      onClick={() => {
        onFocus();
        if (similarity !== undefined) toggleTag(picture, term);
      }}
      onFocus={onFocus}
      onKeyDown={(event) => {
        if (event.key !== ' ' && event.key !== 'Enter') return;
        event.preventDefault();
        toggleTag(picture, term);
      }}
    >
      {similarity === undefined ? <span class="sheet-none">{errors.value.has(picture) ? '×' : '·'}</span> : similarityText(similarity)}
    </div>
  );
}
