/** `v1/folder`: the folder that the server was started with. */
import type { Static } from '@sinclair/typebox';
import type { Folder, FolderPicture, FolderPictures, FolderQuery, FolderRun, FolderRunBody } from '../../server/contract/folder';
import { events } from './events';
import { request, requestJson } from './request';

export type FolderPage = Static<typeof FolderPictures>;

export function folder(signal?: AbortSignal): Promise<Static<typeof Folder>> {
  return requestJson('v1/folder', { signal });
}

export function folderPictures(query: FolderQuery, signal?: AbortSignal): Promise<FolderPage> {
  const fields = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  return requestJson(`v1/folder/pictures?${new URLSearchParams(fields.map(([name, value]) => [name, String(value)]))}`, { signal });
}

/** A picture's own file, or a small JPEG of it. */
export async function folderImage(id: string, kind: 'thumbnail' | 'image', signal?: AbortSignal): Promise<Blob> {
  return (await request(folderImagePath(id, kind), { signal })).blob();
}

export function folderImagePath(id: string, kind: 'thumbnail' | 'image'): string {
  return `v1/folder/pictures/${encodeURIComponent(id)}/${kind}`;
}

/** 409 where the caption is not `expected` any more. */
export function saveCaption(id: string, caption: string | null, expected: string | null): Promise<FolderPicture> {
  return requestJson(`v1/folder/pictures/${encodeURIComponent(id)}/caption`, { method: 'PUT', body: { caption, expected } });
}

export function startRun(body: Static<typeof FolderRunBody>): Promise<FolderRun> {
  return requestJson('v1/folder/run', { method: 'POST', body });
}

export function changeRun(action: 'pause' | 'resume'): Promise<FolderRun> {
  return requestJson(`v1/folder/run/${action}`, { method: 'POST' });
}

/** The run's state, whenever it changes. */
export async function* folderRuns(signal: AbortSignal): AsyncGenerator<FolderRun> {
  for await (const { event, data } of events('v1/folder/events', { signal })) if (event === 'run') yield data as FolderRun;
}
