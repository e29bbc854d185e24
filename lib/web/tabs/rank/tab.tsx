/** Rank: pictures and terms of one's own, as bars or as a spreadsheet. */
import { useEffect } from 'preact/hooks';
import { download } from '../../parts/download';
import { Icon } from '../../parts/icon';
import { IconButton } from '../../parts/icon-button';
import { ErrorNotice } from '../../parts/notice';
import { Progress } from '../../parts/progress';
import { AddButton, Picker } from '../../pictures/picker';
import { pictures, removeAllPictures } from '../../pictures/pictures';
import { Preview } from '../../pictures/preview';
import { stored } from '../../stored';
import { similarityText } from '../../words/amounts';
import { say } from '../../words/say';
import { Bars } from './bars';
import { errors, followSheet, isAsking, tryAgain, unsent } from './filling';
import { Grid } from './grid';
import { orderedPictures } from './order';
import { shownTerms, terms } from './sheet';
import { forgetTicks, tagsJson, tagsText, threshold, ticks } from './tags';
import { TermInput } from './term-input';

/** Between two requests: long enough for a quick typist's next letter, short enough to feel live. */
const PAUSE_MS = 60;

const isTurned = stored('turned', false);

export function RankTab() {
  useEffect(() => followSheet(PAUSE_MS), []);
  const all = pictures.value;
  const [single] = all;
  if (!single) {
    return (
      <div class="stack">
        <Picker lead="rank.lead" />
        <TermInput />
      </div>
    );
  }
  return (
    <div class="stack">
      <TermInput />
      <Tools />
      <div class="sheet-progress">
        {unsent.value > 0 ? (
          <Progress share={1 - unsent.value / all.length} label={say('rank.filling')} />
        ) : (
          isAsking.value && <Progress share={null} label={say('rank.filling')} />
        )}
      </div>
      <Failures />
      {shownTerms.value.length === 0 ? (
        <p class="empty">
          <Icon name="grid" />
          {say('rank.noTerms')}
        </p>
      ) : all.length === 1 ? (
        <div class="workplace">
          <aside class="workplace-side">
            <Preview picture={single} />
          </aside>
          <div class="workplace-main">
            <Bars picture={single} />
          </div>
        </div>
      ) : (
        <Grid isTurned={isTurned.value} />
      )}
    </div>
  );
}

function Tools() {
  const list = orderedPictures.value;
  return (
    <div class="row wrap tools">
      <label class="row small-gap">
        <span class="small">{say('rank.threshold')}</span>
        <input
          type="range"
          min="-0.1"
          max="0.6"
          step="0.005"
          value={threshold.value}
          onInput={({ currentTarget }) => {
            threshold.value = currentTarget.valueAsNumber;
          }}
        />
        <output class="number small">{similarityText(threshold.value)}</output>
      </label>
      {ticks.value.size > 0 && (
        <button type="button" class="button quiet" onClick={forgetTicks}>
          <Icon name="undo" /> {say('rank.forgetTicks', { count: ticks.value.size })}
        </button>
      )}
      <span class="grow" />
      <span class="muted small">{say('rank.size', { pictures: list.length, terms: terms.value.length })}</span>
      {list.length > 1 && (
        <IconButton
          icon="swap"
          label={say('rank.turn')}
          isPressed={isTurned.value}
          onClick={() => {
            isTurned.value = !isTurned.value;
          }}
        />
      )}
      <AddButton />
      <IconButton icon="trash" label={say('removeAll')} onClick={removeAllPictures} />
      <button
        type="button"
        class="button quiet"
        disabled={terms.value.length === 0}
        onClick={() => download('tags.txt', tagsText(list, terms.value), 'text/plain')}
      >
        <Icon name="download" /> {say('rank.tagsText')}
      </button>
      <button
        type="button"
        class="button quiet"
        disabled={terms.value.length === 0}
        onClick={() => download('tags.json', tagsJson(list, terms.value), 'application/json')}
      >
        <Icon name="download" /> JSON
      </button>
    </div>
  );
}

/** The first error stands for those of the same kind. */
function Failures() {
  const failed = [...errors.value].filter(([picture]) => pictures.value.includes(picture));
  const [first] = failed;
  if (!first) return null;
  return (
    <div class="stack tiny-gap">
      <p class="bad-text small">
        {say('rank.failed', {
          count: failed.length,
          names: failed
            .slice(0, 3)
            .map(([{ name }]) => name)
            .join(', '),
        })}
      </p>
      <ErrorNotice error={first[1]} onRetry={tryAgain} />
    </div>
  );
}
