/** `v1/runs` and `v1/workers`: the fleet of the server. */
import type { Static } from '@sinclair/typebox';
import type { FleetWorker, Run, RunList, WorkerList } from '../../server/contract/runs';
import { request, requestJson } from './request';

export type RunPage = Static<typeof RunList>;

/** Newest first. */
export function runs(limit: number, signal?: AbortSignal): Promise<RunPage> {
  return requestJson(`v1/runs?limit=${limit}`, { signal });
}

export function changeFleetRun(run: string, action: 'pause' | 'resume' | 'cancel' | 'retry'): Promise<Run> {
  return requestJson(`v1/runs/${encodeURIComponent(run)}/${action}`, { method: 'POST' });
}

/** Forgets a run that has ended. */
export async function removeFleetRun(run: string): Promise<void> {
  await request(`v1/runs/${encodeURIComponent(run)}`, { method: 'DELETE' });
}

export async function workers(signal?: AbortSignal): Promise<FleetWorker[]> {
  return (await requestJson<Static<typeof WorkerList>>('v1/workers', { signal })).workers;
}
