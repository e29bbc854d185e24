/** The folder's pictures in rows of which only those on the screen are drawn. */
import { useEffect, useRef } from 'preact/hooks';
import { usePageView, visibleRange } from '../../parts/visible-range';
import { say } from '../../words/say';
import { FolderCard } from './folder-card';
import { shown, total, want } from './gallery-state';

const WIDE = { width: 220, height: 326, gap: 14 } as const;
const NARROW = { width: 150, height: 290, gap: 10 } as const;

export function Gallery() {
  const place = useRef<HTMLUListElement>(null);
  const view = usePageView(place);
  const card = view.width < 600 ? NARROW : WIDE;
  const count = total.value ?? 0;
  const across = Math.max(1, Math.floor((view.width + card.gap) / (card.width + card.gap)));
  const width = (view.width - card.gap * (across - 1)) / across;
  const rowHeight = card.height + card.gap;
  const rowCount = Math.ceil(count / across);
  const rows = visibleRange(view.top, view.height, { size: rowHeight, count: rowCount });
  const [first, end] = [rows.first * across, Math.min(count, rows.end * across)];
  useEffect(() => want(first, end), [first, end, count]);
  return (
    <ul class="gallery" ref={place} aria-label={say('pictures')} style={{ height: `${Math.max(0, rowCount * rowHeight - card.gap)}px` }}>
      {Array.from({ length: end - first }, (_, i) => first + i).map((index) => {
        const picture = shown.value.get(index);
        const [column, row] = [index % across, Math.floor(index / across)];
        const at = {
          left: `${column * (width + card.gap)}px`,
          top: `${row * rowHeight}px`,
          width: `${width}px`,
          height: `${card.height}px`,
        };
        return (
          <li key={picture?.id ?? index} class="gallery-place" aria-setsize={count} aria-posinset={index + 1} style={at}>
            {picture ? <FolderCard picture={picture} /> : <div class="card folder-card waiting" />}
          </li>
        );
      })}
    </ul>
  );
}
