/** Long calls that the server keeps as jobs. */
import type { Static } from '@sinclair/typebox';
import type { ProgressData } from '../../server/contract/interrogate';
import type { Job, JobList } from '../../server/contract/jobs';
import { events } from './events';
import { RequestError, requestJson } from './request';

export interface FollowOptions {
  signal?: AbortSignal;
  onProgress?: (progress: ProgressData) => void;
}

/** Waits for a job's end; one that failed or was cancelled is an error. */
export async function followJob(job: Job, { signal, onProgress }: FollowOptions = {}): Promise<Job> {
  const last = job.state === 'running' ? await endOf(job.id, { signal, onProgress }) : job;
  if (last.state === 'failed') throw new RequestError(last.error ?? { code: 'ERR_JOB' });
  if (last.state === 'cancelled') throw new DOMException('Cancelled', 'AbortError');
  return last;
}

async function endOf(id: string, { signal, onProgress }: FollowOptions): Promise<Job> {
  for await (const { event, data } of events(`v1/jobs/${id}/events`, { signal })) {
    if (event === 'progress') onProgress?.(data as ProgressData);
    if (event === 'end') return data as Job;
  }
  throw new RequestError({ code: 'ERR_CONNECTION' });
}

export async function jobs(signal?: AbortSignal): Promise<Job[]> {
  return (await requestJson<Static<typeof JobList>>('v1/jobs', { signal })).jobs;
}

export function cancelJob(id: string): Promise<unknown> {
  return requestJson(`v1/jobs/${id}`, { method: 'DELETE' });
}
