/** The grid of pictures and terms. Only the cells on the screen are drawn, so that its size costs nothing. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { useView, visibleRange } from '../../parts/visible-range';
import type { Picture } from '../../pictures/pictures';
import { say } from '../../words/say';
import { CELL_WIDTH, Cell } from './grid-cell';
import { PictureHead, TermHead } from './grid-heads';
import { orderedPictures, orderedTerms } from './order';
import { version } from './sheet';

/** Pixels: of rows of pictures and of terms, of the head above either, and of the head beside them. */
const ROW_HEIGHT = { pictures: 52, terms: 40 } as const;
const TOP = { pictures: 104, terms: 52 } as const;
const SIDE = { wide: 180, narrow: 112 } as const;

/** `isTurned`: pictures are columns and terms are rows. */
export function Grid({ isTurned }: { isTurned: boolean }) {
  const scroller = useRef<HTMLDivElement>(null);
  const view = useView(scroller);
  const focus = useSignal<[row: number, column: number]>([0, 0]);
  const [rows, columns] = isTurned ? [orderedTerms.value, orderedPictures.value] : [orderedPictures.value, orderedTerms.value];
  version.value;
  const headWidth = view.width < 600 ? SIDE.narrow : SIDE.wide;
  const headHeight = isTurned ? TOP.pictures : TOP.terms;
  const cellHeight = isTurned ? ROW_HEIGHT.terms : ROW_HEIGHT.pictures;
  const rowsShown = visibleRange(view.top, view.height, { size: cellHeight, count: rows.length });
  const columnsShown = visibleRange(view.left, view.width, { size: CELL_WIDTH, count: columns.length });
  const drawn = (from: { first: number; end: number }) => Array.from({ length: from.end - from.first }, (_, i) => from.first + i);
  const pairAt = (row: number, column: number): [Picture, string] =>
    (isTurned ? [columns[column], rows[row]] : [rows[row], columns[column]]) as [Picture, string];

  useFocusedCell(scroller, focus.value);
  const onKeyDown = (event: KeyboardEvent) => {
    const [row, column] = focus.value;
    const to = {
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      Home: [row, 0],
      End: [row, columns.length - 1],
      PageDown: [row + 10, column],
      PageUp: [row - 10, column],
    }[event.key];
    if (!to || !(event.target as HTMLElement).matches('[role=gridcell]')) return;
    event.preventDefault();
    const next: [number, number] = [clamp(to[0]!, rows.length), clamp(to[1]!, columns.length)];
    focus.value = next;
    // The next key already belongs to that cell.
    scroller.current?.querySelector<HTMLElement>(`[data-cell="${next[0]},${next[1]}"]`)?.focus({ preventScroll: true });
    scroller.current?.scrollTo({
      top: nearest(view.top, next[0] * cellHeight, { size: cellHeight, length: view.height - headHeight }),
      left: nearest(view.left, next[1] * CELL_WIDTH, { size: CELL_WIDTH, length: view.width - headWidth }),
    });
  };
  const width = headWidth + columns.length * CELL_WIDTH;
  const height = headHeight + rows.length * cellHeight;
  return (
    <div
      class="sheet"
      role="grid"
      aria-label={say('rank.grid')}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length + 1}
      ref={scroller}
      tabIndex={-1}
      onKeyDown={onKeyDown}
    >
      <div class="sheet-inner" role="rowgroup" style={{ width: `${width}px`, height: `${height}px` }}>
        <div class="sheet-head" role="row" aria-rowindex={1} style={{ height: `${headHeight}px`, width: `${width}px` }}>
          <div class="sheet-corner" role="columnheader" style={{ width: `${headWidth}px` }}>
            {say(isTurned ? 'term' : 'picture')}
          </div>
          {drawn(columnsShown).map((column) => (
            <div
              key={isTurned ? (columns[column] as Picture).key : columns[column]}
              class="sheet-column"
              role="columnheader"
              aria-colindex={column + 2}
              style={{ left: `${headWidth + column * CELL_WIDTH}px`, width: `${CELL_WIDTH}px` }}
            >
              {isTurned ? <PictureHead picture={columns[column] as Picture} isTall /> : <TermHead term={columns[column] as string} />}
            </div>
          ))}
        </div>
        {drawn(rowsShown).map((row) => (
          <div
            key={isTurned ? rows[row] : (rows[row] as Picture).key}
            class="sheet-row"
            role="row"
            aria-rowindex={row + 2}
            style={{ top: `${headHeight + row * cellHeight}px`, height: `${cellHeight}px`, width: `${width}px` }}
          >
            <div class="sheet-row-head" role="rowheader" style={{ width: `${headWidth}px` }}>
              {isTurned ? <TermHead term={rows[row] as string} /> : <PictureHead picture={rows[row] as Picture} />}
            </div>
            {drawn(columnsShown).map((column) => {
              const [picture, term] = pairAt(row, column);
              const isFocus = focus.value[0] === row && focus.value[1] === column;
              return (
                <Cell
                  key={column}
                  picture={picture}
                  term={term}
                  place={{ row, column, left: headWidth + column * CELL_WIDTH }}
                  isFocus={isFocus}
                  onFocus={() => {
                    focus.value = [row, column];
                  }}
                />
              );
            })}
          </div>
        ))}
      </div>
    </div>
  );
}

/** Moves the browser's focus to the cell that has ours, where the grid has the browser's. */
function useFocusedCell(scroller: { current: HTMLElement | null }, [row, column]: readonly [number, number]): void {
  useEffect(() => {
    const grid = scroller.current;
    if (!grid?.contains(document.activeElement) || !document.activeElement?.matches('[role=gridcell]')) return;
    grid.querySelector<HTMLElement>(`[data-cell="${row},${column}"]`)?.focus({ preventScroll: true });
  }, [row, column]);
}

function clamp(value: number, count: number): number {
  return Math.max(0, Math.min(count - 1, value));
}

/** The least scrolling after which a cell is seen. */
function nearest(now: number, start: number, { size, length }: { size: number; length: number }): number {
  if (start < now) return start;
  return Math.max(now, start + size - length);
}
