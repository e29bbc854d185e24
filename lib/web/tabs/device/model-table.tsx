/** The models: which are loaded, and switches that load, unload and fetch. */
import { signal, useSignal } from '@preact/signals';
import type { Model } from '../../../server/contract/models';
import { followJob } from '../../api/jobs';
import { changeModel, modelList, modelListError, pullModel, refreshModels } from '../../api/models';
import { type RequestError, shownError } from '../../api/request';
import { refreshStatus, status } from '../../api/status';
import { Icon } from '../../parts/icon';
import { ErrorNotice } from '../../parts/notice';
import { Progress } from '../../parts/progress';
import { bytesText } from '../../words/amounts';
import { say } from '../../words/say';

/** What is being done with a model, by kind and name: a share of it, or null where only the end is known. */
const busy = signal<ReadonlyMap<string, number | null>>(new Map());
const FIRST = 8;

const keyOf = ({ kind, id }: Model): string => `${kind} ${id}`;

export function ModelTable() {
  const search = useSignal('');
  const isWhole = useSignal(false);
  const error = useSignal<RequestError | null>(null);
  const all = modelList.value ?? [];
  const here = all.filter(({ state }) => state !== 'available');
  const others = all.filter(({ state, id }) => state === 'available' && id.toLowerCase().includes(search.value.trim().toLowerCase()));
  const shown = isWhole.value || search.value.trim() !== '' ? others : others.slice(0, FIRST);
  const act = async (model: Model, task: (onShare: (share: number | null) => void) => Promise<unknown>) => {
    error.value = null;
    setBusy(model, null);
    try {
      await task((share) => setBusy(model, share));
    } catch (cause) {
      error.value = shownError(cause);
    }
    clearBusy(model);
    await Promise.all([refreshModels(), refreshStatus()]);
  };
  return (
    <section class="card stack">
      <h2>{say('models')}</h2>
      {(error.value ?? modelListError.value) && <ErrorNotice error={(error.value ?? modelListError.value)!} onRetry={refreshModels} />}
      {modelList.value === null && !modelListError.value && <Progress share={null} label={say('loading')} />}
      <ul class="models">
        {here.map((model) => (
          <ModelLine key={keyOf(model)} model={model} act={act} />
        ))}
      </ul>
      {all.length > here.length && (
        <>
          <header class="row wrap">
            <h3 class="grow">{say('models.available')}</h3>
            <label class="search">
              <Icon name="search" />
              <input
                type="search"
                placeholder={say('models.search')}
                aria-label={say('models.search')}
                value={search.value}
                onInput={({ currentTarget }) => {
                  search.value = currentTarget.value;
                }}
              />
            </label>
          </header>
          <ul class="models">
            {shown.map((model) => (
              <ModelLine key={keyOf(model)} model={model} act={act} />
            ))}
          </ul>
          {shown.length < others.length && (
            <button
              type="button"
              class="button"
              onClick={() => {
                isWhole.value = true;
              }}
            >
              {say('showAll', { count: others.length })}
            </button>
          )}
        </>
      )}
    </section>
  );
}

interface ModelLineProps {
  model: Model;
  act: (model: Model, task: (onShare: (share: number | null) => void) => Promise<unknown>) => void;
}

function ModelLine({ model, act }: ModelLineProps) {
  const { id, kind, state, memory, download, isDefault, isSample } = model;
  const isBusy = busy.value.has(keyOf(model)) || state === 'loading';
  const share = busy.value.get(keyOf(model)) ?? null;
  const pull = () =>
    act(model, async (onShare) => {
      await followJob(await pullModel(model), { onProgress: ({ done, total }) => onShare(total > 0 ? done / total : null) });
    });
  return (
    <li>
      <span class={`dot ${state}`} aria-hidden="true" />
      <div class="grow">
        <span class="model-name">{id}</span> <span class="tag">{say(`kind.${kind}`)}</span>{' '}
        {isDefault && <span class="tag accent">{say('models.default')}</span>} {isSample && <span class="tag">{say('models.sample')}</span>}
        <p class="muted small">
          {[say(`model.${state}`), state === 'available' ? download && bytesText(download) : memory && bytesText(memory)]
            .filter(Boolean)
            .join(' · ')}
        </p>
        {isBusy && <Progress share={share} label={say('model.loading')} />}
      </div>
      {/* The server keeps its defaults. */}
      {state === 'resident' && !isDefault && (
        <button
          type="button"
          class="button"
          disabled={isBusy}
          aria-label={`${say('models.unload')}: ${id}`}
          onClick={() => act(model, () => changeModel('unload', model))}
        >
          <Icon name="power" /> {say('models.unload')}
        </button>
      )}
      {state === 'installed' && (
        <button
          type="button"
          class="button"
          disabled={isBusy}
          aria-label={`${say('models.load')}: ${id}`}
          onClick={() => act(model, () => changeModel('load', model))}
        >
          <Icon name="power" /> {say('models.load')}
        </button>
      )}
      {state === 'available' && status.value?.allows.pull && (
        <button type="button" class="button" disabled={isBusy} aria-label={`${say('models.fetch')}: ${id}`} onClick={pull}>
          <Icon name="download" /> {say('models.fetch')}
        </button>
      )}
    </li>
  );
}

function setBusy(model: Model, share: number | null): void {
  busy.value = new Map(busy.value).set(keyOf(model), share);
}

function clearBusy(model: Model): void {
  busy.value = new Map([...busy.value].filter(([key]) => key !== keyOf(model)));
}
