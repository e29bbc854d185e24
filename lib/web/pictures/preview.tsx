/** The chosen picture, as large as there is room. */
import { useEffect, useState } from 'preact/hooks';
import { Icon } from '../parts/icon';
import { bytesText } from '../words/amounts';
import { say } from '../words/say';
import type { Picture } from './pictures';

export function Preview({ picture }: { picture: Picture }) {
  const [url, setUrl] = useState<string | null>(null);
  const [size, setSize] = useState<string | null>(null);
  const [isBroken, setBroken] = useState(false);
  const { source } = picture;
  useEffect(() => {
    setBroken(false);
    setSize(null);
    if (typeof source === 'string') {
      setUrl(null);
      return;
    }
    const made = URL.createObjectURL(source);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [source]);
  const bytes = typeof source === 'string' ? null : bytesText(source.size);
  return (
    <figure class="preview">
      {url && !isBroken ? (
        <img
          src={url}
          alt={picture.name}
          onLoad={({ currentTarget }) => setSize(`${currentTarget.naturalWidth} × ${currentTarget.naturalHeight}`)}
          onError={() => setBroken(true)}
        />
      ) : (
        <div class="preview-none">
          <Icon name={typeof source === 'string' ? 'link' : 'image'} />
          <span class="muted small">{typeof source === 'string' ? source : isBroken ? say('cannotShow') : ''}</span>
        </div>
      )}
      <figcaption class="row muted small">
        <span class="grow ellipsis" title={picture.name}>
          {picture.name}
        </span>
        <span>{[size, bytes].filter(Boolean).join(' · ')}</span>
      </figcaption>
    </figure>
  );
}
