/** What a door says of the models that workers have. */
import { Command } from 'commander';
import { addWorkerOptions } from '../../../lib/cli/fleet/worker';
import { RemoteDevices } from '../../../lib/server/fleet/door/devices';

test('the hint for a model that is to be unloaded names flags that a worker has', async () => {
  const model = { kind: 'clip', name: 'sample', state: 'resident', memory: 1, embedDim: 64 };
  const devices = new RemoteDevices({ workers: { live: [{ info: { models: [model] } }] } } as never);
  const refusal = await devices.unload('clip', 'sample').catch((error) => error);
  const flags = refusal.hint.match(/--[a-z-]+/g);
  expect(addWorkerOptions(new Command()).options.map(({ long }) => long)).toEqual(expect.arrayContaining(flags));
});
