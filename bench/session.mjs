/** What both command lines begin with: the set-up, a Python process, and the material of prepare.mjs. */
import os from 'node:os';
import { exporterPython } from '../scripts/exporter-python.mjs';
import { setUp } from '../scripts/setup.mjs';
import { internal } from './ours.mjs';
import { Peer } from './peer.mjs';
import { prepare } from './prepare.mjs';

/** `options` as given, with `python` and `threads`; `machine`: one line that says what was measured with what, and where. */
export async function openSession(given) {
  // The reference works offline unless its weights are to be fetched.
  if (given.model.includes('/')) process.env.HF_HUB_OFFLINE ??= '0';
  await setUp({ cuda: given.device.startsWith('cuda') });
  const python = await exporterPython();
  const peer = new Peer(python);
  try {
    const prepared = await prepare(peer, python, given);
    const threads = await peer.call('set_threads', { threads: given.threads ?? 0 });
    return { peer, prepared, options: { ...given, python, threads }, machine: await describe(peer, given, threads) };
  } catch (error) {
    await peer.stop();
    throw error;
  }
}

async function describe(peer, { model, caption, device }, threads) {
  const { gpu, versions } = await peer.call('describe_machine', { device });
  const { libtorchVersion, coreVersion, cpuFeatures } = await (await internal('native/load').loadNative()).runtimeInfo();
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const [cpu] = os.cpus();
  return [
    `${cpu.model.trim()}, ${os.cpus().length} cores, ${cpuFeatures.join(' ')}${gpu ? `; ${gpu}` : ''}`,
    `${threads} threads; Node ${process.versions.node}, torch-interrogator ${coreVersion}, libtorch ${libtorchVersion}`,
    packages.join(', '),
    `${model} and ${caption}`,
  ].join('; ');
}
