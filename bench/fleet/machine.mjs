/** One line that says what measures, and where. */
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { internal } from '../ours.mjs';

export async function describeMachine() {
  const { libtorchVersion, coreVersion, cpuFeatures } = await (await internal('native/load').loadNative()).runtimeInfo();
  const [, redis = '?'] = /v=(\S+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' })) ?? [];
  const [cpu] = os.cpus();
  return [
    `${cpu.model.trim()}, ${os.cpus().length} cores, ${cpuFeatures.join(' ')}`,
    `Node ${process.versions.node}, torch-interrogator ${coreVersion}, libtorch ${libtorchVersion}, Redis ${redis}`,
  ].join('; ');
}
