/** Folder: the pictures that the server was started with, their captions, and the run over them. */
import { useEffect } from 'preact/hooks';
import { Choice } from '../../parts/choice';
import { Icon } from '../../parts/icon';
import { ErrorNotice, Notice } from '../../parts/notice';
import { say } from '../../words/say';
import { Gallery } from './gallery';
import {
  edits,
  error,
  FILTERS,
  filter,
  folder,
  followRun,
  refreshFolder,
  search,
  shown,
  similar,
  text,
  total,
  undo,
} from './gallery-state';
import { RunCard } from './run-card';

const PAUSE_MS = 250;

export function FolderTab() {
  useEffect(() => {
    const controller = new AbortController();
    refreshFolder();
    followRun(controller.signal);
    return () => controller.abort();
  }, []);
  useEffect(() => {
    const timer = setTimeout(search, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text.value, similar.value, filter.value]);
  const { value: current } = folder;
  const first = shown.value.get(0);
  const hasNoLikeness = similar.value.trim() !== '' && first !== undefined && first.similarity === undefined;
  return (
    <div class="stack">
      <header class="row wrap">
        <h2 class="grow ellipsis folder-name">{current ? current.name : say('tab.folder')}</h2>
        {current && (
          <span class="muted small">
            {say('folder.counts', { pictures: current.pictures, captioned: current.captioned, failed: current.failed })}
          </span>
        )}
      </header>
      <RunCard />
      <div class="row wrap">
        <SearchField value={text} icon="search" label={say('folder.text')} />
        <SearchField value={similar} icon="image" label={say('folder.similar')} />
        <Choice
          label={say('folder.filter')}
          value={filter.value}
          options={FILTERS.map((value) => ({ value, text: say(`folder.${value}`) }))}
          onChoose={(value) => {
            filter.value = value;
          }}
        />
      </div>
      <div class="row">
        <span class="muted small grow" aria-live="polite">
          {total.value === null ? say('loading') : say('folder.found', { count: total.value })}
        </span>
        {edits.value.length > 0 && (
          <button type="button" class="button quiet" onClick={undo} title={edits.value.at(-1)?.path}>
            <Icon name="undo" /> {say('folder.undo', { count: edits.value.length })}
          </button>
        )}
      </div>
      {error.value && (
        <ErrorNotice
          error={error.value}
          onRetry={() => {
            error.value = null;
            refreshFolder();
            search();
          }}
        />
      )}
      {hasNoLikeness && <Notice>{say('folder.needsRun')}</Notice>}
      {total.value === 0 && (
        <p class="empty">
          <Icon name="folder" />
          {say('folder.nothing')}
        </p>
      )}
      <Gallery />
    </div>
  );
}

function SearchField({ value, icon, label }: { value: { value: string }; icon: 'search' | 'image'; label: string }) {
  return (
    <label class="search grow">
      <Icon name={icon} />
      <input
        type="search"
        placeholder={label}
        aria-label={label}
        value={value.value}
        onInput={({ currentTarget }) => {
          value.value = currentTarget.value;
        }}
      />
    </label>
  );
}
