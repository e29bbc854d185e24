/** Where a run of a fleet writes, as every machine finds it: a path, or an object in a bucket. */
import path from 'node:path';
import { InterrogatorError, type RunInput, type RunOptions, type RunTask } from '../../../index';
import { checkTableName } from '../../../run/outputs';
import { Publisher } from '../../../run/publish';
import { checkReportName } from '../../../run/report';
import { stateFolderOf } from '../../../run/state-folder';
import { isObjectStore, splitObject } from '../../store';

/** A file's absolute path, or its address in a bucket. Throws ERR_INVALID_ARGUMENT for other addresses. */
export function outputPlace(option: string, given: string): string {
  if (isObjectStore(given)) return `s3${given.slice('s3'.length)}`;
  refuseAddress(option, given, option === 'state' ? "a folder's path, or s3://BUCKET/FOLDER" : "a file's path, or s3://BUCKET/FOLDER/NAME");
  return path.resolve(given);
}

/** A folder's absolute path. Throws ERR_INVALID_ARGUMENT for addresses. */
export function folderPlace(option: string, given: string): string {
  refuseAddress(option, given, "a folder's path");
  return path.resolve(given);
}

/** As a path it would be a folder `https:` below the working directory. */
function refuseAddress(option: string, given: string, expected: string): void {
  if (!ADDRESS.test(given)) return;
  const [scheme = ''] = given.split(':', 1);
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${option}: nothing can be written to an address that begins with ${scheme}:.`, {
    hint: `Name ${expected}.`,
  });
}

const ADDRESS = /^(?:[a-z][a-z\d+.-]*:\/\/|(?:s3|https?|ftps?|file|data):)/i;

/** As the merge will find them; of those in a bucket all that can be told without asking it. */
export async function checkOutputs(options: RunOptions, task: RunTask): Promise<void> {
  const { out = [], report, ...others } = options;
  const there = [...out, ...(report === undefined ? [] : [report])].filter(isObjectStore);
  for (const address of there) splitObject(address);
  for (const address of out.filter(isObjectStore)) checkTableName(address, task.kind);
  if (report !== undefined && isObjectStore(report)) checkReportName(report);
  const twice = there.find((address, i) => there.indexOf(address) < i);
  if (twice !== undefined) {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `out: ${twice} is named twice.`, { hint: 'Name each file once.' });
  }
  const here = {
    ...others,
    out: out.filter((file) => !isObjectStore(file)),
    ...(report !== undefined && !isObjectStore(report) && { report }),
  };
  const publisher = await Publisher.open(here, task);
  await publisher.abandon();
}

/** Where runs remember the sidecars that are theirs. */
export async function sidecarState(
  inputs: readonly RunInput[],
  options: RunOptions,
  state: string | undefined,
): Promise<string | undefined> {
  if (state !== undefined && !isObjectStore(state)) return state;
  const { out = [], report, sidecar, embed, ...others } = options;
  const output = out[0] ?? report;
  if (!sidecar && !embed && output !== undefined && isObjectStore(output)) return undefined;
  const here = [...out, ...(report === undefined ? [] : [report])].filter((file) => !isObjectStore(file));
  return stateFolderOf(inputs, { ...others, ...(sidecar && { sidecar }), ...(embed && { embed }), out: here });
}

/** Where the shards' results are until they are merged. `folder`: where the sidecars are remembered. */
export function stateOf(given: string | undefined, output: string | undefined, folder: string | undefined, id: string): string {
  if (given !== undefined && isObjectStore(given)) return `${given.replace(/\/+$/, '')}/${id}`;
  if (given === undefined && output !== undefined && isObjectStore(output))
    return `${splitObject(output).location}/.torch-interrogator/${id}`;
  return path.join(folder ?? path.resolve('.torch-interrogator'), 'fleet', id);
}
