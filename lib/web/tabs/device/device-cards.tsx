/** A card a device: its load, its queue, its memory. */
import type { Static } from '@sinclair/typebox';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { DeviceStatus } from '../../../server/contract/models';
import { status } from '../../api/status';
import { Bar } from '../../parts/bar';
import { bytesText, secondsText } from '../../words/amounts';
import { say } from '../../words/say';

type Device = Static<typeof DeviceStatus>;

export function DeviceCards({ devices, maxWait }: { devices: readonly Device[]; maxWait: number }) {
  return (
    <>
      {devices.map((device) => (
        <DeviceCard key={device.name} device={device} maxWait={maxWait} />
      ))}
    </>
  );
}

function DeviceCard({ device, maxWait }: { device: Device; maxWait: number }) {
  const load = useLoad(device);
  const { name, threads, running, waiting, waitSeconds, weightBytes, memoryLimit } = device;
  return (
    <section class="card stack small-gap">
      <header class="row">
        <h2 class="grow">{name}</h2>
        <span class="muted small">{say('device.threads', { count: threads })}</span>
      </header>
      <Measure name={say('device.load')} text={load === null ? '…' : `${Math.round(load * 100)} %`} share={load ?? 0} />
      <Measure
        name={say('device.queue')}
        text={say('device.queueOf', { running, waiting, time: secondsText(waitSeconds) })}
        share={maxWait > 0 ? waitSeconds / maxWait : 0}
      />
      <Measure
        name={say('device.weights')}
        text={
          memoryLimit === null
            ? bytesText(weightBytes)
            : say('device.memoryOf', { used: bytesText(weightBytes), limit: bytesText(memoryLimit) })
        }
        share={memoryLimit ? weightBytes / memoryLimit : 0}
      />
    </section>
  );
}

function Measure({ name, text, share }: { name: string; text: string; share: number }) {
  return (
    <div class="measure">
      <span class="muted small">{name}</span>
      <span class="number">{text}</span>
      <Bar share={share} />
    </div>
  );
}

/** The share of the time between two looks that the device was busy; null before the second look. */
function useLoad({ busySeconds }: Device): number | null {
  const last = useRef<{ busy: number; uptime: number } | null>(null);
  const [load, setLoad] = useState<number | null>(null);
  const uptime = status.value?.uptime ?? 0;
  useEffect(() => {
    const before = last.current;
    if (before && uptime > before.uptime) setLoad(Math.min(1, (busySeconds - before.busy) / (uptime - before.uptime)));
    last.current = { busy: busySeconds, uptime };
  }, [busySeconds, uptime]);
  return load;
}
