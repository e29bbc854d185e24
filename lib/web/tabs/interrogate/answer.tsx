/** One mode's answer: the prompt while it grows and when it is there, its terms, and the negative prompt beside it. */
import { useEffect } from 'preact/hooks';
import { CopyButton } from '../../parts/copy-button';
import { download } from '../../parts/download';
import { Icon } from '../../parts/icon';
import { ErrorNotice } from '../../parts/notice';
import { type Picture, pictures } from '../../pictures/pictures';
import { similarityText } from '../../words/amounts';
import { say } from '../../words/say';
import { ask, asksOf, questionOf, stop } from './asking/asks';
import { type Mode, settings } from './asking/settings';
import { CaptionField } from './caption-field';
import { promptsJson, promptsText } from './export';
import { PromptText } from './prompt/prompt-text';
import { Terms } from './prompt/terms';
import { Tokens } from './prompt/tokens';
import { Waiting } from './prompt/waiting';

export function AnswerView({ picture, mode }: { picture: Picture; mode: Mode }) {
  const { state, question, answer, live, error, progress } = asksOf(picture).modes[mode].value;
  const description = answer?.descriptions[0] ?? null;
  const isRunning = state === 'running';
  const similarity = isRunning && live ? live.similarity : (description?.similarity ?? null);
  const again = () => ask(picture, mode);
  // Other settings ask another question, which begins by itself only where that is wanted.
  const isOutdated = state === 'done' && !settings.value.startAtOnce && question !== questionOf(picture, mode);
  return (
    <>
      <article class={isRunning && !live && description ? 'card prompt-card stale' : 'card prompt-card'} aria-busy={isRunning}>
        {((state === 'never' && !description) || isOutdated) && (
          <button type="button" class="button primary large" onClick={again}>
            <Icon name="search" /> {say('interrogate')}
          </button>
        )}
        <PromptText
          parts={(isRunning || error) && live ? live.parts : (description?.parts ?? null)}
          prompt={description?.prompt ?? ''}
          isGrowing={isRunning}
        />
        {isRunning && <Waiting progress={progress} onStop={() => stop(picture, mode)} />}
        {error && <ErrorNotice error={error} onRetry={again} />}
        {description && !error && (
          <footer class="row wrap prompt-foot">
            <Tokens count={description.tokens} most={answer!.contextTokens} />
            {similarity !== null && <span class="fact">{say('similarityIs', { similarity: similarityText(similarity) })}</span>}
            <span class="grow" />
            <Downloads />
            <CopyButton text={description.prompt} />
          </footer>
        )}
      </article>
      {answer && mode !== 'negative' && <CaptionField picture={picture} caption={answer.caption} />}
      {description?.parts && <Terms parts={description.parts} caption={answer!.caption} mode={mode} />}
      {mode !== 'negative' && settings.value.negativeBeside && <Negative picture={picture} isReady={state === 'done'} />}
    </>
  );
}

function Downloads() {
  return (
    <>
      <button type="button" class="button quiet" onClick={() => download('prompts.txt', promptsText(pictures.value), 'text/plain')}>
        <Icon name="download" /> {say('asText')}
      </button>
      <button type="button" class="button quiet" onClick={() => download('prompts.json', promptsJson(pictures.value), 'application/json')}>
        <Icon name="download" /> JSON
      </button>
    </>
  );
}

/** It is asked for when the prompt itself is there, which it must not delay. */
function Negative({ picture, isReady }: { picture: Picture; isReady: boolean }) {
  const { state, answer, live, error, progress } = asksOf(picture).modes.negative.value;
  const question = questionOf(picture, 'negative');
  useEffect(() => {
    if (isReady) ask(picture, 'negative');
  }, [picture, isReady, question]);
  const description = answer?.descriptions[0];
  if (state === 'never') return null;
  return (
    <section class="card stack small-gap">
      <header class="row">
        <h2 class="grow">{say('negativePrompt')}</h2>
        {description && <CopyButton text={description.prompt} />}
      </header>
      <PromptText
        parts={state === 'running' && live ? live.parts : (description?.parts ?? null)}
        prompt={description?.prompt ?? ''}
        isGrowing={state === 'running'}
        size="small"
      />
      {state === 'running' && !description && <Waiting progress={progress} onStop={() => stop(picture, 'negative')} />}
      {error && <ErrorNotice error={error} onRetry={() => ask(picture, 'negative')} />}
    </section>
  );
}
