/** Device: what the server works with and on. */
import { useEffect } from 'preact/hooks';
import { refreshModels } from '../../api/models';
import { status } from '../../api/status';
import { Progress } from '../../parts/progress';
import { bytesText, secondsText } from '../../words/amounts';
import { say } from '../../words/say';
import { DeviceCards } from './device-cards';
import { JobList } from './job-list';
import { ModelTable } from './model-table';

export function DeviceTab() {
  useEffect(() => {
    refreshModels();
  }, []);
  const { value } = status;
  if (!value) return <Progress share={null} label={say('loading')} />;
  const asked = value.cache.hits + value.cache.misses;
  const facts: [string, string][] = [
    [say('device.version'), value.version],
    [say('device.uptime'), secondsText(value.uptime)],
    [say('device.memory'), bytesText(value.process.rss)],
    [say('device.loop'), `${value.process.eventLoopDelay.toFixed(1)} ms`],
    [say('device.cache'), say('device.cacheOf', { pictures: value.cache.pictures, size: bytesText(value.cache.bytes) })],
    [say('device.hits'), asked === 0 ? '–' : `${Math.round((100 * value.cache.hits) / asked)} %`],
  ];
  return (
    <div class="stack wide-gap">
      <div class="devices">
        <DeviceCards devices={value.devices} maxWait={value.limits.maxWait} />
        <section class="card server-card">
          <h2>{say('device.server')}</h2>
          <dl class="facts">
            {facts.map(([name, fact]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{fact}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
      <JobList />
      <ModelTable />
    </div>
  );
}
