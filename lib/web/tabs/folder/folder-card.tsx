/** One picture of the folder: what it shows, what is said of it, and its caption, which can be edited in place. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { FolderPicture } from '../../../server/contract/folder';
import { folderImage } from '../../api/folder';
import { type RequestError, shownError } from '../../api/request';
import { Icon } from '../../parts/icon';
import { addPictures } from '../../pictures/pictures';
import { go } from '../../shell/route';
import { similarityText } from '../../words/amounts';
import { say } from '../../words/say';
import { FolderThumbnail } from './folder-thumbnail';
import { edit } from './gallery-state';

export function FolderCard({ picture }: { picture: FolderPicture }) {
  const { id, path, group, similarity, error } = picture;
  const made = Object.entries(picture.texts)[0];
  const open = async () => {
    const source = await folderImage(id, 'image');
    addPictures([{ name: path.split('/').at(-1)!, source }]);
    go('interrogate');
  };
  return (
    <article class="card folder-card">
      <button
        type="button"
        class="folder-picture"
        onClick={open}
        title={say('folder.open', { name: path })}
        aria-label={say('folder.open', { name: path })}
      >
        <FolderThumbnail id={id} />
      </button>
      <div class="row tiny-gap">
        <span class="grow ellipsis small" title={path}>
          {path}
        </span>
        {similarity !== undefined && <span class="tag">{similarityText(similarity)}</span>}
        {group !== undefined && (
          <span class="tag" title={say('folder.group.what')}>
            {say('folder.group', { number: group })}
          </span>
        )}
      </div>
      {error && (
        <p class="bad-text small clamp" title={error.message}>
          <Icon name="alert" /> {error.message}
        </p>
      )}
      <Caption picture={picture} suggestion={made?.[1] ?? null} />
    </article>
  );
}

function Caption({ picture, suggestion }: { picture: FolderPicture; suggestion: string | null }) {
  const { caption, path } = picture;
  const text = useSignal(caption ?? '');
  const problem = useSignal<RequestError | null>(null);
  useEffect(() => {
    text.value = caption ?? '';
  }, [caption]);
  const save = async (value: string) => {
    const next = value.trim() === '' ? null : value;
    if (next === caption) return;
    try {
      await edit(picture, next);
      problem.value = null;
    } catch (cause) {
      problem.value = shownError(cause);
    }
  };
  const isChanged = text.value !== (caption ?? '');
  return (
    <div class="folder-caption">
      <textarea
        class="bare small"
        rows={3}
        aria-label={say('folder.captionOf', { name: path })}
        placeholder={suggestion ?? say('folder.noCaption')}
        value={text.value}
        onInput={({ currentTarget }) => {
          text.value = currentTarget.value;
        }}
        onBlur={() => save(text.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') text.value = caption ?? '';
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) save(text.value);
        }}
      />
      {problem.value && <p class="bad-text small">{problem.value.status === 409 ? say('folder.conflict') : problem.value.message}</p>}
      {!isChanged && caption === null && suggestion !== null && (
        <button type="button" class="button quiet small" onClick={() => save(suggestion)}>
          <Icon name="check" /> {say('folder.take')}
        </button>
      )}
    </div>
  );
}
