/** What a submission asks for, checked and written down as every machine understands it. */
import type { Config, RunInput, RunOptions } from '../../../index';
import { InterrogatorError } from '../../../index';
import { needsCaptionModel, withTerms } from '../../../run/run';
import { newRunId, PACKAGE_VERSION, type RunSpec, sharedConfig, writeRules } from '../spec';
import { SHARD_SIZE, type SubmitOptions } from './options';
import { checkOutputs, folderPlace, outputPlace, sidecarState, stateOf } from './places';

/** Rejects with ERR_INVALID_ARGUMENT for what no other machine can follow, and with ERR_IO where nothing can be written. */
export async function specOf(inputs: readonly RunInput[], checked: RunOptions, options: SubmitOptions): Promise<RunSpec> {
  const { sidecar, embed, words } = checked;
  const { tenant = 'default', priority = 10, shardSize = SHARD_SIZE } = options;
  const out = (checked.out ?? []).map((file) => outputPlace('out', file));
  const report = checked.report === undefined ? undefined : outputPlace('report', checked.report);
  if (out.length === 0 && report === undefined && sidecar === undefined && embed === undefined) {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', 'The run would write nothing.', {
      hint: 'Name an output (--out FILE), sidecars (--sidecar .txt), or a report.',
    });
  }
  const task = withTerms(checked.task ?? { kind: 'interrogate', modes: ['best'] }, checked);
  const written: RunOptions = {
    ...checked,
    out,
    ...(report !== undefined && { report }),
    ...(sidecar && {
      sidecar: { ...sidecar, ...(sidecar.folder !== undefined && { folder: folderPlace('sidecar', sidecar.folder) }) },
    }),
  };
  const state = options.state === undefined ? undefined : outputPlace('state', options.state);
  await checkOutputs(written, task);
  const id = newRunId();
  const folder = await sidecarState(inputs, written, state);
  return {
    id,
    version: PACKAGE_VERSION,
    createdAt: Date.now(),
    title: options.title ?? inputs.map(String).join(' ').slice(0, 200),
    tenant,
    priority,
    shardSize,
    config: { ...sharedConfig(checked.config as Config), ...(!needsCaptionModel(task) && { captionModelName: null }) },
    task,
    ...(words && { words: writeRules(words) }),
    out,
    ...(report !== undefined && { report }),
    ...(written.sidecar && { sidecar: written.sidecar }),
    ...(embed && { embed }),
    ...(folder !== undefined && (sidecar || embed) && { marks: folder }),
    state: stateOf(state, out[0] ?? report, folder, id),
  };
}
