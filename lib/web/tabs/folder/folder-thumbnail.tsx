/** A small picture of the folder. Where the server wants a key it is fetched with it: an <img> could not send it. */
import { useEffect, useState } from 'preact/hooks';
import { folderImage, folderImagePath } from '../../api/folder';
import { apiKey } from '../../api/key';
import { Icon } from '../../parts/icon';

export function FolderThumbnail({ id }: { id: string }) {
  const [isBroken, setBroken] = useState(false);
  const [fetched, setFetched] = useState<string | null>(null);
  const needsKey = apiKey.value !== '';
  useEffect(() => {
    if (!needsKey) return;
    const controller = new AbortController();
    let made: string | null = null;
    folderImage(id, 'thumbnail', controller.signal).then(
      (blob) => {
        made = URL.createObjectURL(blob);
        setFetched(made);
      },
      () => setBroken(!controller.signal.aborted),
    );
    return () => {
      controller.abort();
      if (made) URL.revokeObjectURL(made);
    };
  }, [id, needsKey]);
  const url = needsKey ? fetched : new URL(folderImagePath(id, 'thumbnail'), document.baseURI).href;
  if (isBroken) return <Icon name="image" />;
  return url ? <img src={url} alt="" loading="lazy" decoding="async" onError={() => setBroken(true)} /> : null;
}
