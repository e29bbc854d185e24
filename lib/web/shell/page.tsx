/** The whole page: header, what must be said first, and the tab. */
import { useEffect, useRef } from 'preact/hooks';
import { isOffline } from '../api/status';
import { Icon } from '../parts/icon';
import { isDraggedOver } from '../pictures/anywhere';
import { AnalyzeTab } from '../tabs/analyze/tab';
import { DeviceTab } from '../tabs/device/tab';
import { FolderTab } from '../tabs/folder/tab';
import { InterrogateTab } from '../tabs/interrogate/tab';
import { RankTab } from '../tabs/rank/tab';
import { RunsTab } from '../tabs/runs/tab';
import { say } from '../words/say';
import { Footer } from './footer';
import { Header } from './header';
import { KeyDialog, KeyNotice } from './key-dialog';
import { listenToKeys } from './keys';
import { tab } from './route';
import { SampleNotice } from './sample-notice';

const CONTENT = { interrogate: InterrogateTab, analyze: AnalyzeTab, rank: RankTab, folder: FolderTab, runs: RunsTab, device: DeviceTab };

export function Page() {
  useEffect(listenToKeys, []);
  const main = useRef<HTMLElement>(null);
  const name = say(`tab.${tab.value}`);
  useEffect(() => {
    document.title = `${name} · torch-interrogator`;
  }, [name]);
  const Content = CONTENT[tab.value];
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        {say('skip')}
      </button>
      <Header />
      <main class="main" tabIndex={-1} ref={main}>
        <h1 class="hidden">{name}</h1>
        {isOffline.value && (
          <div class="notice bad" role="alert">
            <Icon name="alert" />
            <div class="grow">
              <strong>{say('offline')}</strong> <span>{say('offlineHint')}</span>
            </div>
          </div>
        )}
        <KeyNotice />
        <SampleNotice />
        <Content />
      </main>
      <Footer />
      {isDraggedOver.value && (
        <div class="drop-veil" aria-hidden="true">
          <Icon name="image" />
          <span>{say('dropHere')}</span>
        </div>
      )}
      <KeyDialog />
    </>
  );
}
