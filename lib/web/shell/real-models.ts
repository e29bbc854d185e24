/** The models that the page offers in the sample's place: found, fetched, loaded, and used. */
import { computed, signal } from '@preact/signals';
import type { Model } from '../../server/contract/models';
import { followJob } from '../api/jobs';
import { changeModel, modelList, pullModel, refreshModels } from '../api/models';
import { type RequestError, shownError } from '../api/request';
import { refreshStatus } from '../api/status';
import { chosenModels } from '../tabs/interrogate/asking/settings';

/** What the package uses where no model is named. */
const USUAL = { clip: 'ViT-L-14/openai', caption: 'blip-large' } as const;

/** The usual pair, as far as the server knows it. */
export const realModels = computed<Model[]>(() => {
  const known = modelList.value ?? [];
  return (['clip', 'caption'] as const).flatMap((kind) => known.find((model) => model.kind === kind && model.id === USUAL[kind]) ?? []);
});

interface Fetching {
  /** The model that is fetched or loaded now; null where none is. */
  model: string | null;
  share: number | null;
  error: RequestError | null;
}

export const fetching = signal<Fetching>({ model: null, share: null, error: null });

export async function fetchRealModels(): Promise<void> {
  try {
    for (const model of realModels.value) {
      fetching.value = { model: model.id, share: null, error: null };
      if (model.state === 'available') {
        const onProgress = ({ done, total }: { done: number; total: number }) => {
          fetching.value = { ...fetching.value, share: total > 0 ? done / total : null };
        };
        await followJob(await pullModel(model), { onProgress });
      }
      fetching.value = { model: model.id, share: null, error: null };
      if (model.state !== 'resident') await changeModel('load', model);
      chosenModels.value = { ...chosenModels.value, [model.kind]: model.id };
    }
    fetching.value = { model: null, share: null, error: null };
  } catch (error) {
    fetching.value = { model: null, share: null, error: shownError(error) };
  }
  await Promise.all([refreshModels(), refreshStatus()]);
}
