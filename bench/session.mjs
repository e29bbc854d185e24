/** What both command lines begin with: the set-up, a Python process, and the material of prepare.mjs. */
import os from 'node:os';
import { exporterPython } from '../scripts/exporter-python.mjs';
import { setUp } from '../scripts/setup.mjs';
import { internal } from './ours.mjs';
import { Peer } from './peer.mjs';
import { prepare } from './prepare.mjs';

/** The set-up and a Python process: `threads` are what both sides take, `machine` is one line that says what measures, and where. */
export async function openPeer({ device, threads: wanted }) {
  await setUp({ cuda: device.startsWith('cuda') });
  const python = await exporterPython();
  const peer = new Peer(python);
  try {
    const threads = await peer.call('set_threads', { threads: wanted ?? 0 });
    return { peer, python, threads, machine: await describe(peer, device, threads) };
  } catch (error) {
    await peer.stop();
    throw error;
  }
}

/** The same with models: `options` as given, with `python` and `threads`; `prepared` of prepare.mjs. */
export async function openSession(given) {
  // The reference works offline unless its weights are to be fetched.
  if (given.model.includes('/')) process.env.HF_HUB_OFFLINE ??= '0';
  const { peer, python, threads, machine } = await openPeer(given);
  try {
    const prepared = await prepare(peer, python, given);
    return {
      peer,
      prepared,
      options: { ...given, python, threads },
      machine: `${machine}; ${given.model} and ${given.caption}${precise(given)}`,
    };
  } catch (error) {
    await peer.stop();
    throw error;
  }
}

function precise({ imagePrecision = 'float32' }) {
  return imagePrecision === 'float32' ? '' : `; image towers in ${imagePrecision}`;
}

async function describe(peer, device, threads) {
  const { gpu, versions } = await peer.call('describe_machine', { device });
  const { libtorchVersion, coreVersion, cpuFeatures } = await (await internal('native/load').loadNative()).runtimeInfo();
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const [cpu] = os.cpus();
  return [
    `${cpu.model.trim()}, ${os.cpus().length} cores, ${cpuFeatures.join(' ')}${gpu ? `; ${gpu}` : ''}`,
    `${threads} threads; Node ${process.versions.node}, torch-interrogator ${coreVersion}, libtorch ${libtorchVersion}`,
    packages.join(', '),
  ].join('; ');
}
