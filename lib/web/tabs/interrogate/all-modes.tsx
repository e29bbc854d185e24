/** The five modes beside each other. */
import { CopyButton } from '../../parts/copy-button';
import { ErrorNotice } from '../../parts/notice';
import type { Picture } from '../../pictures/pictures';
import { similarityText } from '../../words/amounts';
import { say } from '../../words/say';
import { ask, asksOf, stop } from './asking/asks';
import { MODES, type Mode } from './asking/settings';
import { PromptText } from './prompt/prompt-text';
import { Tokens } from './prompt/tokens';
import { Waiting } from './prompt/waiting';

export function AllModes({ picture }: { picture: Picture }) {
  return (
    <div class="all-modes">
      {MODES.map((mode) => (
        <OneMode key={mode} picture={picture} mode={mode} />
      ))}
    </div>
  );
}

function OneMode({ picture, mode }: { picture: Picture; mode: Mode }) {
  const { state, answer, live, error, progress } = asksOf(picture).modes[mode].value;
  const description = answer?.descriptions[0];
  const isRunning = state === 'running';
  return (
    <article class="card stack small-gap" aria-busy={isRunning}>
      <header class="row top">
        <div class="grow">
          <h2>{say(`mode.${mode}`)}</h2>
          <p class="muted small">{say(`mode.${mode}.what`)}</p>
        </div>
        {description && <CopyButton text={description.prompt} look="icon" />}
      </header>
      <PromptText
        parts={isRunning && live ? live.parts : (description?.parts ?? null)}
        prompt={description?.prompt ?? ''}
        isGrowing={isRunning}
        size="small"
      />
      {isRunning && <Waiting progress={progress} onStop={() => stop(picture, mode)} />}
      {error && <ErrorNotice error={error} onRetry={() => ask(picture, mode)} />}
      {description && (
        <footer class="row wrap">
          <Tokens count={description.tokens} most={answer!.contextTokens} />
          {description.similarity !== undefined && (
            <span class="fact">{say('similarityIs', { similarity: similarityText(description.similarity) })}</span>
          )}
        </footer>
      )}
      {state === 'never' && !description && (
        <button type="button" class="button" onClick={() => ask(picture, mode)}>
          {say('interrogate')}
        </button>
      )}
    </article>
  );
}
