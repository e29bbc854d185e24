/** Whether models' names mean anything, without looking for their weights. */
import path from 'node:path';
import { locateModel } from '../bundles/resolve';
import { Config, type ConfigInput } from '../config';

/** Rejects with ERR_MODEL_UNKNOWN, with the nearest names. Folders, which may be on another machine alone, are not looked at. */
export async function requireKnownModels(config: ConfigInput = {}): Promise<void> {
  const { clipModelName, clipModelPath, captionModelName, captionModelPath } = new Config(config);
  if (clipModelPath === null && !isFolder(clipModelName)) await locateModel('clip', clipModelName, null);
  if (captionModelName !== null && captionModelPath === null && !isFolder(captionModelName)) {
    await locateModel('caption', captionModelName, null);
  }
}

function isFolder(name: string): boolean {
  return path.isAbsolute(name) || /^(\.{1,2}|~)[/\\]/.test(name);
}
