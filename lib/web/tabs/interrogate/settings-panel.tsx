/** The settings of prompts. */
import { useEffect } from 'preact/hooks';
import { modelList, refreshModels } from '../../api/models';
import { Icon } from '../../parts/icon';
import { type Key, say } from '../../words/say';
import { change, chosenModels, DEFAULTS, hasChanges, type Settings, settings } from './asking/settings';

/** With what the server takes where nothing is given. */
const NUMBERS = { minFlavors: 8, maxFlavors: 32, captionMaxLength: 32, numBeams: 1 } as const;
const LEAST = { minFlavors: 0, maxFlavors: 0, captionMaxLength: 1, numBeams: 1 } as const;
const MOST = { minFlavors: 1000, maxFlavors: 1000, captionMaxLength: 512, numBeams: 64 } as const;

export function SettingsPanel() {
  return (
    <details class="card settings">
      <summary>
        <Icon name="sliders" /> <span class="grow">{say('settings')}</span>
        {hasChanges.value && <span class="tag">{say('settings.changed')}</span>}
      </summary>
      <div class="settings-grid">
        {(Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]).map((name) => (
          <NumberField key={name} name={name} />
        ))}
        <OneOf name="ranking" values={['quota', 'global']} />
        <OneOf name="compat" values={['reference', 'corrected']} />
        <ModelField kind="clip" />
        <ModelField kind="caption" />
        <Check name="startAtOnce" />
        <Check name="negativeBeside" />
        <button
          type="button"
          class="button quiet"
          disabled={!hasChanges.value}
          onClick={() => {
            settings.value = DEFAULTS;
          }}
        >
          <Icon name="undo" /> {say('settings.defaults')}
        </button>
      </div>
    </details>
  );
}

function NumberField({ name }: { name: keyof typeof NUMBERS }) {
  return (
    <label class="field" title={say(`settings.${name}.what` satisfies Key)}>
      <span>{say(`settings.${name}`)}</span>
      <input
        type="number"
        min={LEAST[name]}
        max={MOST[name]}
        placeholder={String(NUMBERS[name])}
        value={settings.value[name] ?? ''}
        onInput={({ currentTarget }) => {
          if (currentTarget.validity.valid) change({ [name]: currentTarget.value === '' ? null : currentTarget.valueAsNumber });
        }}
      />
    </label>
  );
}

function OneOf<N extends 'ranking' | 'compat'>({ name, values }: { name: N; values: readonly Settings[N][] }) {
  return (
    <label class="field" title={say(`settings.${name}.what` satisfies Key)}>
      <span>{say(`settings.${name}`)}</span>
      <select value={settings.value[name]} onChange={({ currentTarget }) => change({ [name]: currentTarget.value })}>
        {values.map((value) => (
          <option key={value} value={value}>
            {say(`settings.${value}`)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Those whose weights are there: any other would have to be fetched first, which the tab of devices does. */
function ModelField({ kind }: { kind: 'clip' | 'caption' }) {
  useEffect(() => {
    if (modelList.value === null) refreshModels();
  }, []);
  const ready = (modelList.value ?? []).filter((model) => model.kind === kind && model.state !== 'available');
  return (
    <label class="field">
      <span>{say(`settings.${kind}`)}</span>
      <select
        value={chosenModels.value[kind] ?? ''}
        onChange={({ currentTarget }) => {
          chosenModels.value = { ...chosenModels.value, [kind]: currentTarget.value || null };
        }}
      >
        <option value="">{say('settings.serverDefault', { name: ready.find(({ isDefault }) => isDefault)?.id ?? '' })}</option>
        {ready.map(({ id }) => (
          <option key={id} value={id}>
            {id}
          </option>
        ))}
      </select>
    </label>
  );
}

function Check({ name }: { name: 'startAtOnce' | 'negativeBeside' }) {
  return (
    <label class="check">
      <input type="checkbox" checked={settings.value[name]} onChange={({ currentTarget }) => change({ [name]: currentTarget.checked })} />
      <span>{say(`settings.${name}`)}</span>
    </label>
  );
}
