/** A picture, small. It is made when it comes near the screen. */
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../parts/icon';
import type { Picture } from './pictures';
import { wantThumbnail } from './thumbnails';

export function Thumbnail({ picture, alt = '' }: { picture: Picture; alt?: string }) {
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
        observer.disconnect();
        wantThumbnail(picture);
      },
      { rootMargin: '300px' },
    );
    observer.observe(place.current!);
    return () => observer.disconnect();
  }, [picture]);
  const url = picture.thumbnail.value;
  return (
    <span class={url === undefined ? 'thumbnail waiting' : 'thumbnail'} ref={place}>
      {url ? (
        <img src={url} alt={alt} draggable={false} />
      ) : (
        url === null && <Icon name={typeof picture.source === 'string' ? 'link' : 'image'} />
      )}
    </span>
  );
}
