/** POST v1/interrogate, with its progress. */
import type { Problem } from '../../server/contract/common';
import type { InterrogateAnswer, InterrogateBody, ProgressData } from '../../server/contract/interrogate';
import type { Picture } from '../pictures/pictures';
import { events } from './events';
import { RequestError } from './request';
import { sendPicture } from './send-picture';

export type InterrogateFields = Omit<InterrogateBody, 'image'>;

export interface Watch {
  signal?: AbortSignal;
  onProgress?: (progress: ProgressData) => void;
}

/** The answer. An abort cancels the work on the server too; a stream that breaks before the answer is ERR_CONNECTION. */
export async function interrogate(picture: Picture, fields: InterrogateFields, { signal, onProgress }: Watch): Promise<InterrogateAnswer> {
  const answer = await sendPicture(picture, fields, async (options) => {
    for await (const { event, data } of events('v1/interrogate', { ...options, signal })) {
      if (event === 'progress') onProgress?.(data as ProgressData);
      if (event === 'error') throw new RequestError(data as Problem);
      if (event === 'result') return data as InterrogateAnswer;
    }
    throw new RequestError({ code: 'ERR_CONNECTION' });
  });
  picture.id.value = answer.picture.id;
  return answer;
}
