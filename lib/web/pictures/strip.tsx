/** The pictures in a row: choose one, remove one, add more. */
import type { ComponentType } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { IconButton } from '../parts/icon-button';
import { say } from '../words/say';
import { AddButton } from './picker';
import { choose, chosen, type Picture, pictures, removeAllPictures, removePicture, step } from './pictures';
import { Thumbnail } from './thumbnail';

export interface StripProps {
  /** Drawn in the corner of a picture: how far it is. */
  badge?: ComponentType<{ picture: Picture }>;
}

export function Strip({ badge: Badge }: StripProps) {
  const list = useRef<HTMLDivElement>(null);
  const current = chosen.value;
  useEffect(() => {
    const element = list.current?.querySelector<HTMLElement>('[aria-selected=true]');
    if (!element) return;
    // scrollIntoView would move the whole page where the strip is above the screen.
    const { offsetLeft, offsetWidth } = element;
    const strip = list.current!;
    strip.scrollLeft = Math.min(offsetLeft, Math.max(strip.scrollLeft, offsetLeft + offsetWidth - strip.clientWidth));
  }, [current]);
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined && event.key !== 'Delete') return;
    event.preventDefault();
    if (by !== undefined) step(by);
    else if (chosen.value) removePicture(chosen.value);
    // After the new one is drawn it has the focus that the old one had.
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>('[aria-selected=true]')?.focus());
  };
  return (
    <div class="strip">
      <div class="strip-list" role="listbox" aria-orientation="horizontal" aria-label={say('pictures')} ref={list} onKeyDown={onKeyDown}>
        {pictures.value.map((picture) => (
          <div
            key={picture.key}
            class="strip-picture"
            role="option"
            aria-selected={picture === current}
            aria-label={picture.name}
            title={picture.name}
            tabIndex={picture === current ? 0 : -1}
            onClick={() => choose(picture)}
            onKeyDown={(event) => (event.key === 'Enter' || event.key === ' ') && choose(picture)}
          >
            <Thumbnail picture={picture} />
            {Badge && <Badge picture={picture} />}
          </div>
        ))}
      </div>
      <div class="strip-actions">
        <span class="muted small">{say('pictureCount', { count: pictures.value.length })}</span>
        <AddButton />
        {current && pictures.value.length > 1 && (
          <IconButton icon="close" label={say('removePicture', { name: current.name })} onClick={() => removePicture(current)} />
        )}
        <IconButton icon="trash" label={say('removeAll')} onClick={removeAllPictures} />
      </div>
    </div>
  );
}
