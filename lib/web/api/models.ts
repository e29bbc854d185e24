/** The server's models: which there are, and turning them on and off. */
import { signal } from '@preact/signals';
import type { Static } from '@sinclair/typebox';
import type { Job } from '../../server/contract/jobs';
import type { Model, ModelBody, ModelList } from '../../server/contract/models';
import { type RequestError, requestJson, shownError } from './request';

/** null until they were asked for. */
export const modelList = signal<readonly Model[] | null>(null);
export const modelListError = signal<RequestError | null>(null);

export async function refreshModels(): Promise<void> {
  try {
    modelList.value = (await requestJson<Static<typeof ModelList>>('v1/models')).data;
    modelListError.value = null;
  } catch (error) {
    modelListError.value = shownError(error);
  }
}

export async function changeModel(action: 'load' | 'unload', model: Pick<Model, 'kind' | 'id'>): Promise<void> {
  await requestJson(`v1/models/${action}`, { method: 'POST', body: bodyOf(model) });
}

/** Fetches a model's weights, as a job that goes on without the page. */
export function pullModel(model: Pick<Model, 'kind' | 'id'>): Promise<Job> {
  return requestJson<Job>('v1/models/pull', { method: 'POST', body: bodyOf(model) });
}

function bodyOf({ kind, id }: Pick<Model, 'kind' | 'id'>): Static<typeof ModelBody> {
  return { kind, name: id };
}
