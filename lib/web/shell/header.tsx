/** The top of the page: its name, the tabs, the state of the server, language and theme. */
import { isOffline, status } from '../api/status';
import { Icon } from '../parts/icon';
import { chosenLanguage, LANGUAGES, type Language, language, say } from '../words/say';
import { offered, TABS, tab } from './route';
import { nextTheme, theme } from './theme';

export function Header() {
  return (
    <header class="header">
      <a class="brand" href="#interrogate" aria-label="torch-interrogator">
        <img src={new URL('../icon.svg', import.meta.url).href} alt="" width="26" height="26" />
        <span>torch-interrogator</span>
      </a>
      <nav class="tabs" aria-label={say('tabs')}>
        {offered.value.map((each) => (
          <a key={each} href={`#${each}`} aria-current={each === tab.value ? 'page' : undefined}>
            <Icon name={TABS[each]} />
            <span>{say(`tab.${each}`)}</span>
          </a>
        ))}
      </nav>
      <div class="header-end">
        <ServerState />
        <select
          class="compact"
          aria-label={say('language')}
          value={language.value}
          onChange={({ currentTarget }) => {
            chosenLanguage.value = currentTarget.value as Language;
          }}
        >
          {Object.entries(LANGUAGES).map(([code, name]) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </select>
        <button
          type="button"
          class="button icon-only"
          onClick={nextTheme}
          aria-label={say(`theme.${theme.value}`)}
          title={say(`theme.${theme.value}`)}
        >
          <Icon name={({ auto: 'auto', light: 'sun', dark: 'moon' } as const)[theme.value]} />
        </button>
      </div>
    </header>
  );
}

function ServerState() {
  const { value } = status;
  const state = isOffline.value ? 'offline' : (value?.state ?? 'starting');
  const model = value?.clipModelName;
  return (
    <a
      class={`server-state ${state}${value?.onlySample ? ' sample' : ''}`}
      href="#device"
      title={value?.onlySample ? say('sample.title') : say(`state.${state}`)}
    >
      <span class="dot" aria-hidden="true" />
      <span class="hidden">{say(`state.${state}`)}</span>
      <span class="server-model">{state === 'ready' && model ? model : say(`state.${state}`)}</span>
    </a>
  );
}
