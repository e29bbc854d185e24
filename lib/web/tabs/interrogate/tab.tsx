/** Interrogate: pictures in, prompts out. */
import { useEffect } from 'preact/hooks';
import { Choice } from '../../parts/choice';
import { Icon } from '../../parts/icon';
import { Progress } from '../../parts/progress';
import { Picker } from '../../pictures/picker';
import { chosen, type Picture, pictures } from '../../pictures/pictures';
import { Preview } from '../../pictures/preview';
import { Strip } from '../../pictures/strip';
import { say } from '../../words/say';
import { AllModes } from './all-modes';
import { AnswerView } from './answer';
import { ask, asksOf, questionOf } from './asking/asks';
import { askAll, modesOf, queue, stopAll } from './asking/queue';
import { settings, VIEWS, view } from './asking/settings';
import { HistoryList } from './history/list';
import { SettingsPanel } from './settings-panel';

/** Settings are typed digit by digit, and pictures are paged through: what is asked is what stays. */
const PAUSE_MS = 250;

export function InterrogateTab() {
  const picture = chosen.value;
  return (
    <div class="stack wide-gap">
      {picture ? <Workplace picture={picture} /> : <Picker lead="interrogate.lead" />}
      <HistoryList />
    </div>
  );
}

function Workplace({ picture }: { picture: Picture }) {
  const shown = view.value;
  const questions = modesOf(shown).map((mode) => questionOf(picture, mode));
  const wanted = settings.value.startAtOnce ? questions.join('\n') : '';
  useEffect(() => {
    if (wanted === '') return;
    const isFresh = modesOf(shown).every((mode) => asksOf(picture).modes[mode].peek().state === 'never');
    const timer = setTimeout(() => askShown(picture), isFresh && pictures.peek().length === 1 ? 0 : PAUSE_MS);
    return () => clearTimeout(timer);
  }, [picture, wanted]);
  return (
    <div class="workplace">
      <aside class="workplace-side">
        <Preview picture={picture} />
        <Strip badge={Badge} />
        {pictures.value.length > 1 && <AllPictures />}
        <SettingsPanel />
      </aside>
      <section class="workplace-main stack">
        <Choice
          label={say('mode')}
          value={shown}
          options={VIEWS.map((value) => ({ value, text: say(`mode.${value}`), title: say(`mode.${value}.what`) }))}
          onChoose={(value) => {
            view.value = value;
          }}
        />
        <p class="muted small mode-what">{say(`mode.${shown}.what`)}</p>
        {shown === 'all' ? <AllModes picture={picture} /> : <AnswerView key={picture.key} picture={picture} mode={shown} />}
      </section>
    </div>
  );
}

/** In turn: the quick ones are soon there, and what they need is known for the slow ones. */
async function askShown(picture: Picture): Promise<void> {
  if (view.peek() !== 'all') {
    await ask(picture, modesOf(view.peek())[0]!);
    return;
  }
  for (const mode of ['caption', 'fast', 'classic', 'best', 'negative'] as const) {
    const { error } = await ask(picture, mode);
    if (error || chosen.peek() !== picture || view.peek() !== 'all') return;
  }
}

function Badge({ picture }: { picture: Picture }) {
  const states = modesOf(view.value).map((mode) => asksOf(picture).modes[mode].value.state);
  const state = (['failed', 'running', 'done'] as const).find((each) => states.includes(each));
  if (!state) return null;
  return (
    <span class={`badge ${state}`} title={say(`ask.${state}`)}>
      {state !== 'running' && <Icon name={state === 'done' ? 'check' : 'alert'} />}
    </span>
  );
}

function AllPictures() {
  const current = queue.value;
  if (!current) {
    return (
      <button type="button" class="button" onClick={() => askAll(view.value)}>
        <Icon name="play" /> {say('askAll', { count: pictures.value.length })}
      </button>
    );
  }
  const label = say('askAll.running', { done: current.done, total: current.total });
  return (
    <div class="stack small-gap">
      <div class="row">
        <span class="grow small">{label}</span>
        {current.failed > 0 && <span class="bad-text small">{say('askAll.failed', { count: current.failed })}</span>}
        <button type="button" class="button quiet" onClick={() => stopAll(view.value)}>
          <Icon name="stop" /> {say('stop')}
        </button>
      </div>
      <Progress share={current.done / current.total} label={label} />
    </div>
  );
}
