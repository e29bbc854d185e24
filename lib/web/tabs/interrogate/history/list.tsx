/** Prompts of before. */
import { useEffect, useState } from 'preact/hooks';
import { CopyButton } from '../../../parts/copy-button';
import { Icon } from '../../../parts/icon';
import { language, say } from '../../../words/say';
import { forget, forgetAll, history, type Remembered, readHistory } from './history';

const FIRST = 6;

export function HistoryList() {
  const [isWhole, setWhole] = useState(false);
  useEffect(() => {
    readHistory();
  }, []);
  const all = history.value;
  if (all.length === 0) return null;
  return (
    <section class="stack small-gap">
      <header class="row">
        <h2 class="grow">{say('history')}</h2>
        <button type="button" class="button quiet" onClick={forgetAll}>
          <Icon name="trash" /> {say('history.clear')}
        </button>
      </header>
      <p class="muted small">{say('history.what')}</p>
      <ul class="history">
        {(isWhole ? all : all.slice(0, FIRST)).map((entry) => (
          <Entry key={entry.id} entry={entry} />
        ))}
      </ul>
      {!isWhole && all.length > FIRST && (
        <button type="button" class="button" onClick={() => setWhole(true)}>
          {say('showAll', { count: all.length })}
        </button>
      )}
    </section>
  );
}

function Entry({ entry: { id, time, name, mode, prompt, thumbnail } }: { entry: Remembered }) {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!thumbnail) return;
    const made = URL.createObjectURL(thumbnail);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [thumbnail]);
  const when = new Date(time).toLocaleString(language.value, { dateStyle: 'short', timeStyle: 'short' });
  return (
    <li class="card">
      <span class="thumbnail small">{url ? <img src={url} alt="" /> : <Icon name="image" />}</span>
      <div class="grow">
        <p class="muted small ellipsis">{[name, say(`mode.${mode}`), when].join(' · ')}</p>
        <p class="clamp">{prompt}</p>
      </div>
      <CopyButton text={prompt} look="icon" />
      <button
        type="button"
        class="button icon-only"
        aria-label={say('history.remove')}
        title={say('history.remove')}
        onClick={() => forget(id)}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}
