/** Says that only the sample model is loaded, and offers to fetch a real one. */
import { useEffect } from 'preact/hooks';
import { modelList, refreshModels } from '../api/models';
import { status } from '../api/status';
import { ErrorNotice, Notice } from '../parts/notice';
import { Progress } from '../parts/progress';
import { stored } from '../stored';
import { bytesText } from '../words/amounts';
import { say } from '../words/say';
import { fetching, fetchRealModels, realModels } from './real-models';

/** As long as the browser's tab is: the header still names the model. */
const isHidden = stored('sample-notice-hidden', false, () => sessionStorage);

export function SampleNotice() {
  const onlySample = status.value?.onlySample === true;
  useEffect(() => {
    if (onlySample && modelList.value === null) refreshModels();
  }, [onlySample]);
  const { value: current } = fetching;
  if (current.error) return <ErrorNotice error={current.error} onRetry={fetchRealModels} />;
  if (current.model !== null) {
    const { share } = current;
    return (
      <Notice>
        <span>{say('sample.fetching', { name: current.model })}</span>
        <Progress share={share} label={say('sample.fetching', { name: current.model })} />
      </Notice>
    );
  }
  if (!onlySample || isHidden.value) return null;
  const offer = realModels.value;
  const bytes = offer.reduce((sum, { download }) => sum + (download ?? 0), 0);
  const names = offer.map(({ id }) => id).join(' + ');
  const mayFetch = status.value?.allows.pull && offer.length > 0;
  const dismiss = (
    <button
      type="button"
      class="button quiet"
      onClick={() => {
        isHidden.value = true;
      }}
    >
      {say('sample.dismiss')}
    </button>
  );
  return (
    <Notice
      action={
        <div class="row">
          {mayFetch && (
            <button type="button" class="button primary" onClick={fetchRealModels}>
              {bytes > 0 ? say('sample.fetch', { size: bytesText(bytes) }) : say('sample.load')}
            </button>
          )}
          {dismiss}
        </div>
      }
    >
      <strong>{say('sample.title')}</strong> <span>{say('sample.what')}</span>{' '}
      <span class="muted">{mayFetch ? say('sample.offer', { names }) : say('sample.command')}</span>
    </Notice>
  );
}
